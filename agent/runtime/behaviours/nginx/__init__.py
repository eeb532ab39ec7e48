"""Serving an installed package with nginx."""
