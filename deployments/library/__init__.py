"""Variable sets and variables."""
