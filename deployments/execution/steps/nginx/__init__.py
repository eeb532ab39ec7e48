"""Deploy to nginx."""
