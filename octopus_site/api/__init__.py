"""The API as a whole: roots, links, documentation, every app's routes."""
