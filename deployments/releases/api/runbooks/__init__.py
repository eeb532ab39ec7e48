"""Runbooks, their snapshots and their runs on the wire."""
