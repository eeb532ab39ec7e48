"""The latest version of each package: searching them, and telling them from the others."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from django.db.models import F

from deployments.base.models import Space
from deployments.base.postgres.lookups import TextsIn
from deployments.base.rows import PreparedQuery
from packages_feed.models import Latest, LatestVersion, PackageVersion
from packages_feed.queries.search import ranked, with_words

if TYPE_CHECKING:
    from deployments.base.querysets import SpaceQuerySet


def latest_versions(space: Space, kind: Latest) -> "SpaceQuerySet[LatestVersion]":
    """Return the latest version of each package in this sense."""
    return LatestVersion.objects.in_space(space).filter(kind=kind)


def latest_with_words(
    space: Space, kind: Latest, words: Sequence[str]
) -> "SpaceQuerySet[LatestVersion]":
    """Return those that have every word, in the order of hits."""
    return ranked(with_words(latest_versions(space, kind), words), words)


def are_latest(
    rows: "SpaceQuerySet[PackageVersion]", space: Space, kind: Latest
) -> "SpaceQuerySet[PackageVersion]":
    """Return those of the rows that are the latest of their package."""
    return rows.filter(pk__in=latest_versions(space, kind).order_by().values("version"))


_KEYS = PreparedQuery(
    lambda space, kinds, ids: (
        LatestVersion.objects.in_space(Space(pk=space))
        .filter(TextsIn(F("id_lower"), ids), kind__in=kinds)
        .values_list("kind", "version")
    ),
    *(int, list[int], list[str]),
)


def latest_keys(
    space: Space, kinds: Collection[Latest], ids: Collection[str]
) -> dict[Latest, set[int]]:
    """Return the row numbers of the latest versions of packages (ids in lower case), by sense."""
    found: dict[Latest, set[int]] = {kind: set() for kind in kinds}
    values = (space.pk, [kind.value for kind in kinds], list(ids))
    for kind, version in _KEYS.all(*values) if ids else ():
        found[Latest(kind)].add(version)
    return found
