"""Finding what was told about package versions."""

from collections.abc import Iterable

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
