"""Logs of tasks and interruptions on the wire."""
