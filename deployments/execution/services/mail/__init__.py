"""Trying the server's outgoing mail as a server task."""
