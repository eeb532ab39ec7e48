"""The pages of releases and deployments."""
