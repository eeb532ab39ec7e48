"""`make demo`: the whole journey on real parts, from a pushed package to verified files."""
