"""What administrators see of the server itself."""
