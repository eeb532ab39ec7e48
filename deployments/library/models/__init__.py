"""The models of the library."""

from deployments.library.models.variable import Variable, VariableSet

__all__ = ["Variable", "VariableSet"]
