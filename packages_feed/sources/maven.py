"""Maven repositories, by their layout of folders."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from packages_feed.sources.base import FeedPlace, Found, Hit, NotThere, Opened, SourceFailed
from packages_feed.sources.web import FORBIDDEN, MISSING, FeedClient

_PARTS: Final = range(2, 5)
_SNAPSHOT: Final = "-SNAPSHOT"
# Some write metadata in a namespace.
_ANY: Final = "{*}"
_CHECKSUMS: Final = ("sha256", "sha1")
_LENGTHS: Final = {"sha256": 64, "sha1": 40}


@dataclass(frozen=True, slots=True)
class Coordinates:
    """What an id `group:artifact[:packaging[:classifier]]` says."""

    group: str
    artifact: str
    packaging: str
    classifier: str

    @classmethod
    def read(cls, package_id: str) -> "Coordinates":
        """Read an id; raises NotThere for one of another form."""
        parts = package_id.split(":")
        if len(parts) not in _PARTS or not all(parts[:2]):
            raise NotThere(f"'{package_id}' is not group:artifact[:packaging[:classifier]].")
        group, artifact, packaging, classifier, *_ = [*parts, "", ""]
        return cls(group, artifact, packaging or "jar", classifier)

    @property
    def folder(self) -> str:
        return "/".join(quote(part, safe="") for part in (*self.group.split("."), self.artifact))


class Maven:
    """Versions stand in maven-metadata.xml; such a repository has no search."""

    def __init__(self, place: FeedPlace) -> None:
        self._client = FeedClient(place)
        self._uri = place.uri.rstrip("/")

    def versions(self, package_id: str) -> list[Found]:
        """Return all versions."""
        known = Coordinates.read(package_id)
        root = self._client.xml(f"{self._uri}/{known.folder}/maven-metadata.xml")
        return [Found((each.text or "").strip()) for each in root.iterfind(f".//{_ANY}version")]

    def search(self, term: str, take: int) -> list[Hit]:
        """Return the package whose whole id is the term."""
        try:
            self.versions(term.strip())
        except NotThere:
            return []
        return [Hit(term.strip())]

    @contextmanager
    def open(self, package_id: str, version: str) -> Iterator[Opened]:
        """Give the artifact, with the checksum that stands beside it."""
        known = Coordinates.read(package_id)
        folder = f"{self._uri}/{known.folder}/{quote(version, safe='')}"
        number = self._snapshot(folder, known, version) if version.endswith(_SNAPSHOT) else version
        suffix = f"-{known.classifier}" if known.classifier else ""
        name = quote(f"{known.artifact}-{number}{suffix}.{known.packaging}", safe="")
        checksums = self._checksums(f"{folder}/{name}")
        with self._client.pieces(f"{folder}/{name}") as pieces:
            yield Opened(f".{known.packaging}", pieces, checksums)

    def check(self) -> str:
        """Ask for the root, which many repositories show nobody."""
        with self._client.opened(f"{self._uri}/", also=(FORBIDDEN, MISSING)) as response:
            status = response.status
        if status in {FORBIDDEN, MISSING}:
            return f"It answers, but does not show its root ({status}); look for a package."
        return "It answers; whether it has a package is seen by looking for it."

    def notes(self, package_id: str, version: str) -> str:
        """Return nothing: a repository has no notes."""
        return ""

    def _snapshot(self, folder: str, known: Coordinates, version: str) -> str:
        """Return the number with the time of the newest build of a snapshot."""
        root = self._client.xml(f"{folder}/maven-metadata.xml")
        for each in root.iterfind(f".//{_ANY}snapshotVersion"):
            classifier = (each.findtext(f"{_ANY}classifier") or "").strip()
            extension = (each.findtext(f"{_ANY}extension") or "").strip()
            if (extension, classifier) == (known.packaging, known.classifier):
                return (each.findtext(f"{_ANY}value") or version).strip()
        # Before Maven 3 they did not name each file.
        built, number = (
            (root.findtext(f"{_ANY}versioning/{_ANY}snapshot/{_ANY}{name}") or "").strip()
            for name in ("timestamp", "buildNumber")
        )
        base = version.removesuffix(_SNAPSHOT)
        return f"{base}-{built}-{number}" if built and number else version

    def _checksums(self, url: str) -> dict[str, str]:
        for kind in _CHECKSUMS:
            try:
                text = self._client.read(f"{url}.{kind}").decode("ascii", "replace").split()
            except NotThere:
                continue
            if not text or len(text[0]) != _LENGTHS[kind]:
                raise SourceFailed(f"The file {url}.{kind} is not a checksum.")
            return {kind: text[0].lower()}
        return {}
