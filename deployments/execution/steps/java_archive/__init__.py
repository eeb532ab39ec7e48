"""Deploy a Java Archive."""
