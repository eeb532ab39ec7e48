"""A space with many projects, and how fast its pages are."""
