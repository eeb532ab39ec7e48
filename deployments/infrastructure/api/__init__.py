"""The REST resources of the infrastructure."""
