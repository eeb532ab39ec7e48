"""The REST resources of releases and deployments."""
