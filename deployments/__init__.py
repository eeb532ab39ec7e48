"""A namespace of Django apps; no models of its own."""
