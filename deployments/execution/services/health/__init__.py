"""Health checks as tasks of the engine: one command for each target and worker."""
