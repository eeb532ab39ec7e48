"""The agent and the kernel it shares with the server; standard library and websockets only."""
