"""V2: which versions are newer than what a client has."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from agent.versions import InvalidVersionRange, Version, VersionRange
from deployments.base.errors import Invalid

if TYPE_CHECKING:
    from packages_feed.nuget.rows import Rows

_MOST_IDS = 500


def updates(
    rows: "Rows",
    *,
    ids: Sequence[str],
    versions: Sequence[str],
    constraints: Sequence[str],
    prerelease: bool,
    every: bool,
) -> "Rows":
    """Return the newest newer version of each id, or every newer one. Raises Invalid."""
    if len(ids) != len(versions) or len(ids) > _MOST_IDS:
        raise Invalid("packageIds and versions must be lists of the same length.")
    asked = {
        package_id.lower(): (Version.try_parse(version), _range(constraint or ""))
        for package_id, version, constraint in zip_longest(ids, versions, constraints)
        if package_id
    }
    if not prerelease:
        rows = rows.filter(is_prerelease=False)
    chosen: dict[str, list[int]] = {}
    candidates = rows.filter(id_lower__in=list(asked)).order_by("id_lower", "-version_key")
    for row in candidates.select_related(None).only("id_lower", "version_key", "version"):
        current, allowed = asked[row.id_lower]
        newer = current is not None and row.version_key > current.sort_key
        if newer and (allowed is None or allowed.contains(Version.parse(row.version))):
            numbers = chosen.setdefault(row.id_lower, [])
            if every or not numbers:
                numbers.append(row.pk)
    return rows.filter(pk__in=[number for numbers in chosen.values() for number in numbers])


def _range(text: str) -> VersionRange | None:
    if not text.strip():
        return None
    try:
        return VersionRange.parse(text)
    except InvalidVersionRange as error:
        raise Invalid(str(error)) from error
