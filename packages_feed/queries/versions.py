"""Finding versions of packages."""

from collections.abc import Iterable

from django.db.models import QuerySet

from agent.versions import Version, Versions, matches_rule, matches_tag, read_filter
from deployments.base.models import Space
from deployments.base.querysets import SpaceQuerySet
from deployments.base.rows import PreparedQuery
from packages_feed.models import Latest, PackageVersion
from packages_feed.queries.latest import latest_versions

_WIRE_PREFIX = "packages-"
_MOST_WIRE_ID = 600
_ANY = Version.parse("0.0.0")


def versions_of(space: Space, package_id: str) -> SpaceQuerySet[PackageVersion]:
    """Return all versions of the package, newest first."""
    return (
        PackageVersion.objects.in_space(space)
        .filter(id_lower=package_id.lower())
        .order_by("-version_key", "-version_lower")
    )


_EXACT = PreparedQuery(
    lambda space, id_lower, key: (
        PackageVersion.objects.in_space(Space(pk=space))
        .filter(id_lower=id_lower, version_lower=key)
        .select_related("space")
        .order_by()
    ),
    *(int, str, str),
)


def find_exact(space: Space, package_id: str, version: Version) -> PackageVersion | None:
    """Return the version of the package with this number and metadata."""
    return _EXACT.first(space.pk, package_id.lower(), version.key)


_BY_KEYS = PreparedQuery(
    lambda space, keys: (
        PackageVersion.objects.in_space(Space(pk=space)).filter(pk__in=keys).order_by()
    ),
    *(int, list[int]),
)


def versions_in_order(space: Space, keys: Iterable[int]) -> list[PackageVersion]:
    """Return the versions of these row numbers, in the order of the numbers."""
    wanted = list(keys)
    found = {row.pk: row for row in _BY_KEYS.all(space.pk, wanted)} if wanted else {}
    return [found[key] for key in wanted if key in found]


def find_version(space: Space, package_id: str, version: str) -> PackageVersion | None:
    """Return the version of the package, however its number is spelled."""
    parsed = Version.try_parse(version)
    return None if parsed is None else find_exact(space, package_id, parsed)


def find_versions(
    space: Space, pairs: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], PackageVersion]:
    """Return the versions for pairs of package id and version, by the pairs as given.

    One query for any number of pairs; what does not exist is left out.
    """
    wanted = list(pairs)
    keys = {text: Version.try_parse(text) for _, text in wanted}
    rows = PackageVersion.objects.in_space(space).filter(
        id_lower__in={package_id.lower() for package_id, _ in wanted},
        version_lower__in={version.key for version in keys.values() if version},
    )
    found = {(row.id_lower, row.version_lower): row for row in rows}
    answer = {}
    for package_id, text in wanted:
        version = keys[text]
        row = found.get((package_id.lower(), version.key)) if version else None
        if row is not None:
            answer[package_id, text] = row
    return answer


def newest_versions(
    space: Space,
    package_id: str,
    *,
    version_range: Versions | str | None = None,
    tag: str | None = None,
    include_prerelease: bool = True,
    limit: int | None = None,
) -> list[PackageVersion]:
    """Return the versions that a channel's rule accepts, newest first.

    Raises InvalidVersionRange and InvalidTagPattern of agent.versions.
    """
    parsed = _range(version_range)
    if tag:
        matches_tag(_ANY, tag)  # a wrong pattern is an error even when there are no versions
    rows = versions_of(space, package_id)
    if not include_prerelease:
        rows = rows.filter(is_prerelease=False)
    if parsed is None and not tag:
        return list(rows[:limit] if limit is not None else rows)
    chosen: list[PackageVersion] = []
    for row in rows.iterator(chunk_size=200):
        if limit is not None and len(chosen) >= limit:
            break
        if matches_rule(Version.parse(row.version), parsed, tag or ""):
            chosen.append(row)
    return chosen


def _range(value: Versions | str | None) -> Versions | None:
    if isinstance(value, str):
        return read_filter(value) if value.strip() else None
    return value


def package_ids(space: Space, text: str = "") -> QuerySet[PackageVersion]:
    """Return the newest version of each package whose id contains the text, by id."""
    rows = latest_versions(space, Latest.OF_ALL)
    if text:
        rows = rows.filter(id_lower__contains=text.lower())
    found = PackageVersion.objects.in_space(space).filter(latest__in=rows)
    return found.order_by("id_lower")


def previous_version(version: PackageVersion) -> PackageVersion | None:
    """Return the next older version of the same package and kind of file."""
    older = versions_of(version.space, version.package_id).filter(
        version_key__lt=version.version_key, extension=version.extension
    )
    return older.first()


def find_by_wire_id(space: Space, text: str) -> PackageVersion | None:
    """Return the version by `packages-Acme.Web.1.0.0` or `Acme.Web.1.0.0`.

    Both parts may have dots, so every place where a version could begin is looked up.
    """
    if len(text) > _MOST_WIRE_ID:
        return None
    texts = [text]
    if text.lower().startswith(_WIRE_PREFIX):
        texts.insert(0, text[len(_WIRE_PREFIX) :])
    pairs = [pair for each in texts for pair in _splits(each)]
    found = find_versions(space, pairs)
    return next((found[pair] for pair in pairs if pair in found), None)


def _splits(text: str) -> list[tuple[str, str]]:
    places = [place for place, letter in enumerate(text) if letter == "." and place]
    pairs = [(text[:place], text[place + 1 :]) for place in places]
    return [pair for pair in pairs if pair[1][:1].isdigit() or pair[1][:1] == "v"]
