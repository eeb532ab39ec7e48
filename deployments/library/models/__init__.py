"""Models of the library."""

from deployments.library.models.library_set import LibraryVariableSet
from deployments.library.models.variable import Variable, VariableSet, variable_place

__all__ = ["LibraryVariableSet", "Variable", "VariableSet", "variable_place"]
