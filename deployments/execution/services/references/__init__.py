"""Accounts and certificates of a deployment, read when it starts."""

from deployments.execution.services.references.reading import with_references

__all__ = ["with_references"]
