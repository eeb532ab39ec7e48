"""Deploy a Release of another project."""
