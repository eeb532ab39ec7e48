"""Which projects use a package; the app of projects, which is above this one, registers it."""

from collections.abc import Callable, Iterable

from deployments.base.actor import Actor
from deployments.base.models import Space

Usage = Callable[[Space, str], Iterable[int]]
# Public id and name of those of the projects that the actor may see.
Names = Callable[[Actor, Space, Iterable[int]], Iterable[tuple[str, str]]]
_usage: Usage | None = None
_names: Names | None = None


def register_package_usage(usage: Usage, names: Names) -> None:
    """Register how (space, package id) becomes projects, and projects their names."""
    global _usage, _names
    _usage, _names = usage, names


def projects_using(space: Space, package_id: str) -> list[int]:
    """Return the numbers of the projects that refer to the package."""
    return list(_usage(space, package_id)) if _usage is not None else []


def visible_projects_using(actor: Actor, space: Space, package_id: str) -> list[tuple[str, str]]:
    """Return public id and name of the projects that refer to the package, as the actor sees."""
    numbers = projects_using(space, package_id)
    return list(_names(actor, space, numbers)) if _names is not None and numbers else []
