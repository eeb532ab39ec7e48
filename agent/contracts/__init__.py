"""What the server and the agent say to each other; no sockets, no clocks, no files."""
