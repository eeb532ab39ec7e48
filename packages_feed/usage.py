"""Who uses packages and versions of them; the apps above this one register it."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from deployments.base.actor import Actor
from deployments.base.models import Space
from packages_feed.models import Feed
from packages_feed.queries import known_as

Usage = Callable[[Space, str], Iterable[int]]
# Public id and name of those of the projects that the actor may see.
Names = Callable[[Actor, Space, Iterable[int]], Iterable[tuple[str, str]]]
# What uses versions of a package and may be seen by the actor, in words by version.
VersionUsers = Callable[[Actor, Space, str, Sequence[str]], Mapping[str, str]]
# Numbers of the projects whose processes name a feed by one of these texts (in lower case).
FeedUsage = Callable[[Space, frozenset[str]], Iterable[int]]
_usage: Usage | None = None
_feed_usage: FeedUsage | None = None
_names: Names | None = None
_version_users: list[VersionUsers] = []


def register_package_usage(usage: Usage, names: Names) -> None:
    """Register how (space, package id) becomes projects, and projects their names."""
    global _usage, _names
    _usage, _names = usage, names


def register_feed_usage(usage: FeedUsage) -> None:
    """Register how feeds become the numbers of the projects that use them."""
    global _feed_usage  # noqa: PLW0603 once, when the apps are ready
    _feed_usage = usage


def projects_naming(actor: Actor, feed: Feed) -> tuple[list[str], int]:
    """Return the projects whose processes, or runbooks, name the feed.

    They are the names of those that the actor may see, and the number of all others.
    """
    numbers = set(_feed_usage(feed.space, known_as(feed))) if _feed_usage is not None else set()
    seen = _names(actor, feed.space, numbers) if _names is not None and numbers else ()
    names = [name for _, name in seen]
    return names, len(numbers) - len(names)


def projects_using(space: Space, package_id: str) -> list[int]:
    """Return the numbers of the projects that refer to the package."""
    return list(_usage(space, package_id)) if _usage is not None else []


def visible_projects_using(actor: Actor, space: Space, package_id: str) -> list[tuple[str, str]]:
    """Return public id and name of the projects that refer to the package, as the actor sees."""
    numbers = projects_using(space, package_id)
    return list(_names(actor, space, numbers)) if _names is not None and numbers else []


def register_version_users(find: VersionUsers) -> None:
    """Register a search for what uses versions of a package."""
    _version_users.append(find)


def visible_users_of_versions(
    actor: Actor, space: Space, package_id: str, versions: Sequence[str]
) -> dict[str, str]:
    """Return what uses the versions, in words, as far as the actor may see it."""
    found: dict[str, str] = {}
    for find in _version_users:
        for version, words in find(actor, space, package_id, versions).items():
            found[version] = f"{found[version]}, {words}" if version in found else words
    return found
