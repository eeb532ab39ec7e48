"""Releases and their snapshots, deployments, progression."""
