"""Deploying a package: small ordered behaviours."""
