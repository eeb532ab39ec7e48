"""Finding what was told about package versions."""

from collections.abc import Iterable

from agent.versions import try_read_any
from deployments.base.models import Space
from packages_feed.models import BuildInformation, PackageVersion

Key = tuple[str, str]


def build_information_of(
    space: Space, versions: Iterable[PackageVersion]
) -> dict[Key, BuildInformation]:
    """Return what is known, by `id_lower` and `version_lower`; one query for all versions."""
    keys = {(version.id_lower, version.version_lower) for version in versions}
    rows = BuildInformation.objects.in_space(space).filter(
        id_lower__in={key[0] for key in keys}, version_lower__in={key[1] for key in keys}
    )
    return {(row.id_lower, row.version_lower): row for row in rows}


def build_information_for(
    space: Space, pairs: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], BuildInformation]:
    """Return what is known, by pairs of package id and version as given; one query."""
    wanted = {
        (package_id, text): (package_id.lower(), version.key)
        for package_id, text in pairs
        if (version := try_read_any(text)) is not None
    }
    rows = BuildInformation.objects.in_space(space).filter(
        id_lower__in={key[0] for key in wanted.values()},
        version_lower__in={key[1] for key in wanted.values()},
    )
    found = {(row.id_lower, row.version_lower): row for row in rows}
    return {pair: found[key] for pair, key in wanted.items() if key in found}
