"""The REST resources of projects."""
