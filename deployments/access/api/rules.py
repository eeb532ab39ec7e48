"""Entries of a permission map that are not permissions (see deployments.access.rules)."""

from deployments.access.rules import ANONYMOUS, SIGNED_IN, Rule

__all__ = ["ANONYMOUS", "SIGNED_IN", "Rule"]
