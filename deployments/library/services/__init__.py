"""Writes of the library."""

from deployments.library.services.copying import copy_variables
from deployments.library.services.library_sets import (
    create_library_set,
    delete_library_set,
    update_library_set,
)
from deployments.library.services.script_modules import (
    create_script_module,
    update_script_module,
)
from deployments.library.services.variables import (
    VariableInput,
    add_variable,
    create_variable_set,
    delete_variable,
    replace_variables,
    update_variable,
)

__all__ = [
    "VariableInput",
    "add_variable",
    "copy_variables",
    "create_library_set",
    "create_script_module",
    "create_variable_set",
    "delete_library_set",
    "delete_variable",
    "replace_variables",
    "update_library_set",
    "update_script_module",
    "update_variable",
]
