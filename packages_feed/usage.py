"""Which projects use a package; the app of projects, which is above this one, registers it."""

from collections.abc import Callable, Iterable

from deployments.base.models import Space

Usage = Callable[[Space, str], Iterable[int]]
_usage: Usage | None = None


def register_package_usage(usage: Usage) -> None:
    """Register how (space, package id) becomes the numbers of the projects that use it."""
    global _usage  # noqa: PLW0603 set once while the apps load
    _usage = usage


def projects_using(space: Space, package_id: str) -> list[int]:
    """Return the numbers of the projects that refer to the package."""
    return list(_usage(space, package_id)) if _usage is not None else []
