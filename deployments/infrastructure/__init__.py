"""Environments, deployment targets, workers and the agents on them."""
