"""Packages of a task."""
