"""The latest version of each package: searching them, and telling them from the others."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from packages_feed.models import Latest, LatestVersion, PackageVersion
from packages_feed.queries.search import ranked, with_words

if TYPE_CHECKING:
    from deployments.base.models import Space
    from deployments.base.querysets import SpaceQuerySet


def latest_versions(space: "Space", kind: Latest) -> "SpaceQuerySet[LatestVersion]":
    """Return the latest version of each package in this sense."""
    return LatestVersion.objects.in_space(space).filter(kind=kind)


def latest_with_words(space: "Space", kind: Latest, text: str) -> "SpaceQuerySet[LatestVersion]":
    """Return those that have every word of the text, in the order of hits."""
    return ranked(with_words(latest_versions(space, kind), text), text)


def are_latest(
    rows: "SpaceQuerySet[PackageVersion]", space: "Space", kind: Latest
) -> "SpaceQuerySet[PackageVersion]":
    """Return those of the rows that are the latest of their package."""
    return rows.filter(pk__in=latest_versions(space, kind).order_by().values("version"))


def latest_keys(
    space: "Space", kinds: Collection[Latest], ids: Collection[str]
) -> dict[Latest, set[int]]:
    """Return the row numbers of the latest versions of packages (ids in lower case), by sense."""
    rows = LatestVersion.objects.in_space(space).filter(kind__in=kinds, id_lower__in=ids)
    found: dict[Latest, set[int]] = {kind: set() for kind in kinds}
    for kind, version in rows.values_list("kind", "version"):
        found[Latest(kind)].add(version)
    return found
