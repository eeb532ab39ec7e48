"""Deleting what retention policies no longer keep."""
