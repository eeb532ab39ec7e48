"""Folders of package files, among those that the server's administrator allows."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from agent.versions import InvalidFileName, PackageFileName, Version, parse_file_name
from packages_feed.sources.base import FeedPlace, Found, Hit, NotThere, Opened, SourceFailed

_PIECE: Final = 256 * 1024
_DEEPEST: Final = 3
_MOST_FILES: Final = 20_000


class Folder:
    """Files called `id.version.extension`, at most two folders below the feed's own."""

    def __init__(self, place: FeedPlace) -> None:
        self._place = place

    def versions(self, package_id: str) -> list[Found]:
        """Return the versions in the names of files."""
        found = [
            Found(named.version.original)
            for _, named in self._packages()
            if named.package_id.lower() == package_id.lower()
        ]
        if not found:
            raise NotThere(f"The folder has no package {package_id}.")
        return found

    def search(self, term: str, take: int) -> list[Hit]:
        """Return packages whose id contains the term."""
        names = {
            named.package_id.lower(): named.package_id
            for _, named in self._packages()
            if term.lower() in named.package_id.lower()
        }
        return [Hit(name) for _, name in sorted(names.items())][:take]

    @contextmanager
    def open(self, package_id: str, version: str) -> Iterator[Opened]:
        """Give the file's bytes."""
        wanted = Version.parse(version)
        for path, named in self._packages():
            if named.package_id.lower() == package_id.lower() and named.version == wanted:
                with path.open("rb") as file:
                    yield Opened(named.extension, iter(lambda: file.read(_PIECE), b""))
                return
        raise NotThere(f"The folder has no version {version} of {package_id}.")

    def check(self) -> str:
        """Count the packages."""
        count = sum(1 for _ in self._packages())
        return f"The folder has {count} file{'' if count == 1 else 's'} named as packages are."

    def notes(self, package_id: str, version: str) -> str:
        """Return nothing: file names have no notes."""
        return ""

    def _packages(self) -> Iterator[tuple[Path, PackageFileName]]:
        root = require_folder(self._place.uri, self._place.folders)
        try:
            found = (each for depth in range(_DEEPEST) for each in root.glob(f"{'*/' * depth}*.*"))
            files = list(islice(found, _MOST_FILES))
        except OSError as error:
            raise SourceFailed(f"The folder cannot be read: {error.strerror}.") from error
        for path in files:
            try:
                named = parse_file_name(path.name)
            except InvalidFileName:
                continue
            # A link could lead anywhere, and the server may read more than the feed shall show.
            if path.is_file() and path.resolve().is_relative_to(root):
                yield path, named


def is_folder(uri: str) -> bool:
    """Tell whether an address means a folder of the server."""
    return uri.startswith(("/", "file:"))


def require_folder(uri: str, allowed: tuple[str, ...]) -> Path:
    """Return the folder; raises SourceFailed unless an allowed one is or holds it."""
    path = Path(unquote(urlsplit(uri).path) if uri.startswith("file:") else uri).resolve()
    if not any(path.is_relative_to(Path(each).resolve()) for each in allowed):
        raise SourceFailed(
            "This folder is none of those that the server's OCTOPUS_FEED_FOLDERS allows as feeds."
        )
    if not path.is_dir():
        raise SourceFailed("This folder does not exist on the server.")
    return path
