"""The dashboard and the search."""
