"""Who includes a library variable set; upper floors register it when they load."""

from collections.abc import Callable, Iterator

from deployments.library.models import LibraryVariableSet

Uses = Callable[[LibraryVariableSet], list[str]]

_uses: list[Uses] = []


def register_library_uses(find: Uses) -> None:
    """Register a search for what a library set must stay for, in words."""
    _uses.append(find)


def library_uses(row: LibraryVariableSet) -> Iterator[str]:
    """Yield what the set must stay for, in words."""
    for find in _uses:
        yield from find(row)
