"""What the agent and the server agree on, free of sockets and clocks."""
