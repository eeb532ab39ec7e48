"""Keeping what is the latest version of each package, in the transaction that changes it.

A push compares its version with what is there, in one statement; pushes hold the package together.
Whatever else changes versions holds it alone and lets the latest be found anew.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from django.db import connection, transaction

from deployments.base.models import Space
from deployments.base.rows import Together, repeating_cursor
from packages_feed.models import LatestVersion, PackageVersion
from packages_feed.models.latest import Latest

_KINDS: Final = ", ".join(
    f"({kind.value}, {nuget}, {prerelease}, {semver2})"
    for kind, nuget, prerelease, semver2 in (
        (Latest.OF_ALL, False, True, True),
        (Latest.PRERELEASE, True, True, True),
        (Latest.STABLE, True, False, True),
        (Latest.PRERELEASE_SEMVER1, True, True, False),
        (Latest.STABLE_SEMVER1, True, False, False),
    )
)
_TABLE: Final = "packages_feed_latestversion"
_EACH: Final = """
SELECT v.space_id, v.id_lower, k.kind, v.id, v.version_key || ' ' || v.version_lower AS sort_key,
    v.search_text{more}
FROM {versions} v
JOIN kinds k ON NOT k.nuget
    OR (v.extension = '.nupkg' AND v.listed
        AND (k.prerelease OR NOT v.is_prerelease)
        AND (k.semver2 OR NOT v.is_semver2))
{which}
"""
_PLACE: Final = """, ROW_NUMBER() OVER (
    PARTITION BY k.kind ORDER BY v.version_key DESC, v.version_lower DESC
) AS place"""
_NEWEST: Final = """
SELECT space_id, id_lower, kind, id, sort_key, search_text FROM ({each}) AS every WHERE place = 1
"""
# Rows go in by kind, so that of two pushes of one package one waits for the other.
_FIND: Final = f"""
WITH kinds(kind, nuget, prerelease, semver2) AS (VALUES {_KINDS})
INSERT INTO {_TABLE} (space_id, id_lower, kind, version_id, sort_key, search_text)
{{newest}} ORDER BY kind
ON CONFLICT (space_id, kind, id_lower) DO UPDATE SET version_id = excluded.version_id,
    sort_key = excluded.sort_key, search_text = excluded.search_text
WHERE excluded.sort_key >= {_TABLE}.sort_key
"""
_VERSIONS: Final = "packages_feed_packageversion"
_OF_ONE = _FIND.format(newest=_EACH.format(versions=_VERSIONS, more="", which="WHERE v.id = %s"))
_OF_A_PACKAGE = _FIND.format(
    newest=_NEWEST.format(
        each=_EACH.format(
            versions=_VERSIONS, more=_PLACE, which="WHERE v.space_id = %s AND v.id_lower = %s"
        )
    )
)
_OF_NEW = _FIND.format(newest=_EACH.format(versions="held, version", more="", which=""))
_LOCK: Final = "pg_advisory_xact_lock(%s)"
_LOCK_SHARED: Final = "pg_advisory_xact_lock_shared(%s)"
_AT_ONCE: Final = 100


def add_latest(version: PackageVersion) -> None:
    """Take a new version into account; joins the caller's transaction."""
    _hold(version.space_id, version.id_lower, shared=True)
    with repeating_cursor() as cursor:
        cursor.execute(_OF_ONE, [version.pk])


def add_latest_of(act: Together, version: PackageVersion) -> None:
    """Take the new version into account that the part `version` of the act gives as a whole."""
    held = f"SELECT {_LOCK_SHARED} FROM version"  # noqa: S608 names of ours
    act.add("held", held, [_key(version.space_id, version.id_lower)])
    act.add("latest", _OF_NEW)


def hold_packages(space: Space, ids: Iterable[str]) -> None:
    """Let nobody else change the latest of the packages (ids in lower case) in this transaction.

    Called before versions are deleted, and after their rows were held. Of two who hold several,
    one waits for the other.
    """
    for id_lower in sorted(set(ids)):
        _hold(space.pk, id_lower, shared=False)


def find_latest(space: Space, ids: Iterable[str]) -> None:
    """Find the latest of packages (ids in lower case) anew, after their versions were changed."""
    names = sorted(set(ids))
    hold_packages(space, names)
    LatestVersion.objects.in_space(space).filter(id_lower__in=names).delete()
    with connection.cursor() as cursor:
        for id_lower in names:
            cursor.execute(_OF_A_PACKAGE, [space.pk, id_lower])


def find_all_latest() -> None:
    """Find the latest of every package of every space anew, some packages at a time."""
    for space in Space.objects.all():
        versions = PackageVersion.objects.in_space(space).order_by()
        names = sorted(set(versions.values_list("id_lower", flat=True)))
        for first in range(0, len(names), _AT_ONCE):
            with transaction.atomic():
                find_latest(space, names[first : first + _AT_ONCE])


def _hold(space: int, id_lower: str, *, shared: bool) -> None:
    if connection.vendor != "postgresql":
        return  # a transaction that writes is alone there
    with repeating_cursor() as cursor:
        cursor.execute(f"SELECT {_LOCK_SHARED if shared else _LOCK}", [_key(space, id_lower)])


def _key(space: int, id_lower: str) -> int:
    """Return the number of the lock that holds a package."""
    name = f"latest version {space} {id_lower}"
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
