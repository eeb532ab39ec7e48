"""Judging packages and build information of a space, as streams of bounded memory."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from deployments.base.models import Space
from deployments.base.querysets import SpaceQuerySet
from deployments.projects.retention import KEEP_EVERYTHING, RetentionPolicy
from deployments.releases.retention.package_rule import (
    PackageCandidate,
    PackageVerdict,
    judge_build,
    judge_package,
)
from deployments.releases.retention.package_use import PackageUse
from packages_feed.models import BuildInformation, PackageVersion
from packages_feed.queries import built_in_feed

_AT_ONCE: Final = 500
_COLUMNS: Final = ("pk", "package_id", "version", "id_lower", "version_lower")
_Row = tuple[int, str, str, str, str, datetime]


def policy_of_packages(space: Space) -> RetentionPolicy:
    """Return how long packages that nothing uses stay in the built-in feed of the space."""
    days = built_in_feed(space).unused_days
    return RetentionPolicy(days, "Days") if days else KEEP_EVERYTHING


def judged_packages(
    rows: SpaceQuerySet[PackageVersion], use: PackageUse, policy: RetentionPolicy, now: datetime
) -> Iterator[PackageVerdict]:
    """Yield what becomes of each of the versions, in the order in which they came.

    The caller may delete what it was given.
    """
    for page in _pages(rows, "published"):
        for candidate in _candidates(page, use):
            yield judge_package(candidate, policy, now)


def judged_builds(
    rows: SpaceQuerySet[BuildInformation], use: PackageUse, policy: RetentionPolicy, now: datetime
) -> Iterator[PackageVerdict]:
    """Yield what becomes of each piece of build information, in the order in which they came.

    The caller may delete what it was given.
    """
    for page in _pages(rows, "created"):
        known = _known(use.space, (row[3] for row in page))
        for row, candidate in zip(page, _candidates(page, use), strict=True):
            versions = known.get(row[3], set())
            yield judge_build(
                candidate,
                policy,
                now,
                has_package=row[4] in versions,
                is_of_feed=bool(versions),
            )


def _pages(rows: SpaceQuerySet[Any], since: str) -> Iterator[Sequence[_Row]]:
    columns = rows.order_by("pk").values_list(*_COLUMNS, since)
    page = list(columns[:_AT_ONCE])
    while page:
        yield page
        page = list(columns.filter(pk__gt=page[-1][0])[:_AT_ONCE])


def _candidates(page: Sequence[_Row], use: PackageUse) -> list[PackageCandidate]:
    keys = [(id_lower, version_lower) for *_, id_lower, version_lower, _ in page]
    users, possible = use.users(keys), use.possible_users(keys)
    return [
        PackageCandidate(
            number=number,
            package_id=package_id,
            version=version,
            since=since,
            used_by=users.get(key, ""),
            maybe_used_by=possible.get(key, ""),
        )
        for key, (number, package_id, version, *_, since) in zip(keys, page, strict=True)
    ]


def _known(space: Space, ids: Iterable[str]) -> dict[str, set[str]]:
    """Return the versions that the feed has of the packages."""
    rows = PackageVersion.objects.in_space(space).filter(id_lower__in=set(ids))
    found: dict[str, set[str]] = {}
    for id_lower, version_lower in rows.order_by().values_list("id_lower", "version_lower"):
        found.setdefault(id_lower, set()).add(version_lower)
    return found
