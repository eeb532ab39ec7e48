"""The version of the server and the agent, which are released together."""

VERSION = "0.1.0"
