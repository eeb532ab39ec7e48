"""Whose a variable set is and who includes one of the library; upper floors register it."""

from collections.abc import Callable, Iterator

from deployments.library.models import LibraryVariableSet, VariableSet
from deployments.library.queries import is_of_library

OwnerName = Callable[[VariableSet], str]
Uses = Callable[[LibraryVariableSet], list[str]]

_uses: list[Uses] = []
_owner_names: list[OwnerName] = []


def register_library_uses(find: Uses) -> None:
    """Register a search for what a library set must stay for, in words."""
    _uses.append(find)


def library_uses(row: LibraryVariableSet) -> Iterator[str]:
    """Yield what the set must stay for, in words."""
    for find in _uses:
        yield from find(row)


def register_owner_name(find: OwnerName) -> None:
    """Register what people call the owner of a set of variables; empty: it is not one of these."""
    _owner_names.append(find)


def owner_name(variable_set: VariableSet) -> str:
    """Return what people call the owner of the variables."""
    if is_of_library(variable_set):
        rows = LibraryVariableSet.objects.in_space(variable_set.space)
        name = rows.filter(variable_set=variable_set).values_list("name", flat=True).first()
        return f"the variable set {name}"
    found = filter(None, (find(variable_set) for find in _owner_names))
    return next(found, variable_set.owner_id)
