"""Which package of those that an agent has is the best to make another one of."""

from collections.abc import Collection
from dataclasses import dataclass

from deployments.base.models import Space
from packages_feed.models import FetchedPackage, PackageVersion


@dataclass(frozen=True, slots=True)
class StoredPackage:
    """The bytes of a package: their SHA-256, their number, and what kind of archive they are."""

    sha256: str
    size: int
    extension: str


def find_stored(space: Space, sha256: str) -> StoredPackage | None:
    """Return a package that this space has, of its own feed or fetched from another."""
    rows = (
        PackageVersion.objects.in_space(space),
        FetchedPackage.objects.filter(feed__space=space),
    )
    for found in rows:
        row = found.filter(blob_id=sha256).values_list("size", "extension").first()
        if row is not None:
            return StoredPackage(sha256, row[0], row[1])
    return None


def best_base(space: Space, target: str, have: Collection[str]) -> StoredPackage | None:
    """Return the nearest version, an older one if there is one, of the same package of the space.

    None when none of `have` is a version of it.
    """
    version = PackageVersion.objects.in_space(space).filter(blob_id=target).first()
    if version is None:
        return _fetched_base(space, target, have)
    rows = (
        PackageVersion.objects.in_space(space)
        .filter(id_lower=version.id_lower, blob_id__in=have)
        .exclude(blob_id=target)
    )
    older = rows.filter(version_key__lte=version.version_key).order_by("-version_key").first()
    found = older or rows.order_by("version_key").first()
    return None if found is None else StoredPackage(found.blob_id, found.size, found.extension)


def _fetched_base(space: Space, target: str, have: Collection[str]) -> StoredPackage | None:
    package = FetchedPackage.objects.filter(feed__space=space, blob_id=target).first()
    if package is None:
        return None
    rows = FetchedPackage.objects.filter(
        feed_id=package.feed_id, id_lower=package.id_lower, blob_id__in=have
    )
    found = rows.exclude(blob_id=target).order_by("-used").first()
    if found is None or found.blob_id is None:
        return None
    return StoredPackage(found.blob_id, found.size, found.extension)
