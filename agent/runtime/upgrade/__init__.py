"""The agent's own replacement: fetched, checked, tried, and only then made the current one."""
