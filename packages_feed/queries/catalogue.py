"""The versions of a package that a release may choose, whichever feed has it; asks nobody."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.versions import Version, read_version, try_read_version
from deployments.base.models import Space
from packages_feed.models import Feed, FeedListing
from packages_feed.queries.versions import versions_of


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is known of a package: versions newest first, since when, and why no more is known.

    `told` is None for the built-in feed, of which everything is known always.
    """

    versions: Sequence[Version]
    told: datetime | None = None
    problem: str = ""


def catalogue(feed: Feed, package_id: str) -> Catalogue:
    """Return the listed versions; those of an external feed as they were read last."""
    if feed.is_built_in:
        rows = versions_of(feed.space, package_id).filter(listed=True)
        texts = rows.values_list("version", flat=True).iterator(chunk_size=500)
        return Catalogue([Version.parse(text) for text in texts])
    row = FeedListing.objects.filter(feed=feed, id_lower=package_id.lower()).first()
    if row is None:
        return Catalogue([], problem="It has not been asked yet.")
    versions = [read_version(text, feed.version_scheme) for text, _ in row.versions]
    return Catalogue(versions, row.told, row.problem)


def told_versions(space: Space, package_ids: Collection[str]) -> dict[str, list[Version]]:
    """Return what external feeds have told of packages (ids in lower case), newest first."""
    rows = FeedListing.objects.filter(feed__space=space, id_lower__in=package_ids)
    return {
        row.id_lower: [read_version(text, row.feed.version_scheme) for text, _ in row.versions]
        for row in rows.select_related("feed")
    }


def has_version(feed: Feed, package_id: str, version: str) -> bool:
    """Tell whether the feed is known to have the version, listed or not where that is known."""
    wanted = try_read_version(version, feed.version_scheme)
    if wanted is None:
        return False
    if feed.is_built_in:
        return versions_of(feed.space, package_id).filter(version_lower=wanted.key).exists()
    return wanted in catalogue(feed, package_id).versions
