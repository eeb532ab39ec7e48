"""Small parts of pages that every app may use."""
