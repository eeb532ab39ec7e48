"""Deploying a release to several environments and tenants at once."""
