"""The log of a task: append-only bytes in, numbered lines out."""
