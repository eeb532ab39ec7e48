"""What the browser tests and the screenshots find in their server."""
