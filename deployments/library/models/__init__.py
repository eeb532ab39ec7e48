"""The models of the library."""

from deployments.library.models.variable import Variable, VariableSet, variable_place

__all__ = ["Variable", "VariableSet", "variable_place"]
