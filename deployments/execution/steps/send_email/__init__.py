"""Send an email."""
