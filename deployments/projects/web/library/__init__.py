"""Pages of library variable sets, and of what a project includes."""
