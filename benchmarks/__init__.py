"""Measurements as ratios: what a deployment costs beside the bare commands that it runs."""
