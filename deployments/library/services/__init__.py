"""Writes of the library."""

from deployments.library.services.accounts import (
    AccountInput,
    create_account,
    delete_account,
    update_account,
)
from deployments.library.services.copying import copy_variables
from deployments.library.services.library_sets import (
    create_library_set,
    delete_library_set,
    update_library_set,
)
from deployments.library.services.restrictions import Restrictions, forget_tenant
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
    "AccountInput",
    "Restrictions",
    "VariableInput",
    "add_variable",
    "copy_variables",
    "create_account",
    "create_library_set",
    "create_script_module",
    "create_variable_set",
    "delete_account",
    "delete_library_set",
    "delete_variable",
    "forget_tenant",
    "replace_variables",
    "update_account",
    "update_library_set",
    "update_script_module",
    "update_variable",
]
