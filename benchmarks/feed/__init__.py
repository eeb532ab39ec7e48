"""What the package feed does in a second, beside `cp`, `sha512sum` and nginx."""
