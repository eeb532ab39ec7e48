"""Names of files that can be read in two ways: refused unless it is known what is meant."""

from urllib.parse import urlencode

from agent.versions import PackageFileName, Version, doubt_about
from deployments.base.errors import Invalid
from deployments.base.models import Space
from packages_feed.ingest.inspect import NUPKG
from packages_feed.models import PackageVersion


class AmbiguousName(Invalid):
    """A file's name may mean another package and version than it is read as."""

    def __init__(self, space: Space, name: PackageFileName) -> None:
        query = urlencode({"packageId": name.package_id, "version": name.version.original})
        path = f"/api/{space.public_id}/packages/raw"
        super().__init__(
            f"{doubt_about(name)} If it is, send it once to {path}?{query}; later versions of"
            f" {name.package_id} need no more."
        )
        self.package_id = name.package_id
        self.version = name.version.original


def require_clear(
    space: Space, name: PackageFileName, meant: tuple[str, str] | None = None
) -> None:
    """Raise unless the name is clear, or the id is in the feed, or it is as the sender has said.

    `meant` is the id and the version that the sender has told. A NuGet package names itself.
    """
    if meant is not None:
        _require_told(name, *meant)
    elif name.extension.lower() != NUPKG and doubt_about(name):
        rows = PackageVersion.objects.in_space(space)
        if not rows.filter(id_lower=name.package_id.lower()).exists():
            raise AmbiguousName(space, name)


def _require_told(name: PackageFileName, package_id: str, version: str) -> None:
    if name.package_id.lower() != package_id.lower() or name.version != Version.try_parse(version):
        raise Invalid(
            f"The file is version {name.version} of {name.package_id}, not {version[:100]!a} of"
            f" {package_id[:100]!a} as packageId and version say."
        )
