"""Which versions a NuGet client may see."""

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Case, When

from agent.versions import Version
from deployments.base.models import Space
from deployments.base.rows import PreparedQuery
from packages_feed.models import PackageVersion

if TYPE_CHECKING:
    from deployments.base.querysets import SpaceQuerySet

    Rows = SpaceQuerySet[PackageVersion]


def nuget_rows(space: Space) -> "Rows":
    """Return the versions that are NuGet packages."""
    return PackageVersion.objects.in_space(space).filter(extension=".nupkg").select_related("space")


def readable_rows(space: Space, *, semver2: bool) -> "Rows":
    """Return the versions that the client can read: semantic versioning 2 only when it says so."""
    rows = nuget_rows(space)
    return rows if semver2 else rows.filter(is_semver2=False)


def accepts_semver2(text: str) -> bool:
    """Tell whether a `semVerLevel` is 2.0.0 or above."""
    level = Version.try_parse(text)
    return level is not None and level.major >= 2  # noqa: PLR2004


class ServedNumber(NamedTuple):
    """A version that has an address: the number of its row, and its own in the case of the push."""

    pk: int
    normalized: str


_NUMBERS = PreparedQuery(
    lambda space, id_lower: (
        nuget_rows(Space(pk=space))
        .filter(id_lower=id_lower)
        .order_by("version_key", "published")
        .values_list("version_key", "pk", "version", "version_lower")
    ),
    *(int, str),
)


def numbers_to_serve(space: Space, package_id: str) -> list[ServedNumber]:
    """Return the versions of a package, oldest first, one for each address.

    Versions that differ in metadata only share an address: the newest push is served.
    """
    chosen = {
        key: ServedNumber(pk, normalized_text(version, version_lower))
        for key, pk, version, version_lower in _NUMBERS.all(space.pk, package_id.lower())
    }
    return list(chosen.values())


_AT_AN_ADDRESS = PreparedQuery(
    lambda space, id_lower, key, exact: (
        nuget_rows(Space(pk=space))
        .filter(id_lower=id_lower, version_key=key)
        .order_by(Case(When(version_lower=exact, then=0), default=1), "-published", "-pk")
    ),
    *(int, str, str, str),
)


def served_version(space: Space, package_id: str, version: str) -> PackageVersion | None:
    """Return the version at an address: by its exact number or else without metadata."""
    parsed = Version.try_parse(version)
    if parsed is None:
        return None
    exact = parsed.key if parsed.metadata else ""
    return _AT_AN_ADDRESS.first(space.pk, package_id.lower(), parsed.sort_key, exact)


def normalized(version: PackageVersion) -> str:
    """Return the version's number as addresses have it, in the case it was pushed with."""
    return normalized_text(version.version, version.version_lower)


def normalized_text(version: str, key: str) -> str:
    """Return the same of a version as it was pushed and of its `Version.key`."""
    if version.lower() == key:
        return version.partition("+")[0]  # so it is nearly always, and reading it takes longer
    return Version.parse(version).normalized


def full_number(version: PackageVersion) -> str:
    """Return the normalized number with its metadata."""
    return full_text(version.version, version.version_lower)


def full_text(version: str, key: str) -> str:
    """Return the same of a version as it was pushed and of its `Version.key`."""
    return version if version.lower() == key else Version.parse(version).full
