"""Backup and restore of a whole server."""
