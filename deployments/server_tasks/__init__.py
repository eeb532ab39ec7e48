"""The queue: server tasks, their states, nodes and concurrency; knows no kind of work."""
