"""The agent's own processes: daemon, spawner, runner."""
