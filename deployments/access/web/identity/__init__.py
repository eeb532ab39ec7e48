"""Pages about how people prove who they are."""
