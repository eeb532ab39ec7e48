"""Run a Script."""
