"""Where the files of archives are kept: an upper floor, which has the storage, says how."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deployments.base.errors import Unavailable


class ArchiveUnavailable(Unavailable):
    """The storage does not give the file, or does not take it."""


class ArchiveMissing(ArchiveUnavailable):
    """The storage has no such file."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file whose bytes are in the storage."""

    path: Path
    sha256: str
    size: int


class ArchiveStore(Protocol):
    """Files by their SHA-256."""

    def folder(self) -> Path:
        """Return the folder in which files for `keep` are best written."""
        ...

    def keep(self, path: Path) -> KeptFile:
        """Store the bytes of a file durably. Raises ArchiveUnavailable."""
        ...

    def hold(self, kept: KeptFile) -> None:
        """Make sure of the bytes until the end of the transaction, which names them."""
        ...

    def open(self, sha256: str) -> Iterator[bytes]:
        """Return the bytes piece by piece. Raises ArchiveUnavailable."""
        ...

    def drop(self, sha256: str) -> None:
        """Delete the bytes after the commit unless something else names them."""
        ...


_stores: list[ArchiveStore] = []


def register_archive_store(store: ArchiveStore) -> None:
    """Register the storage, once, when the apps are ready."""
    _stores[:] = [store]


def archive_store() -> ArchiveStore:
    """Return the registered storage."""
    return _stores[0]
