"""Project groups, projects, processes, channels and lifecycles."""
