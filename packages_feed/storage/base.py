"""What a package storage can do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

PIECE = 256 * 1024
"""Bytes that `open` gives at a time, at most."""


class BlobMissing(Exception):
    """The storage has no bytes under this SHA-256."""


class StorageFailed(Exception):
    """The storage could not be reached, or refused or lost what was asked of it."""


class PackageStorage(Protocol):
    """Bytes by their SHA-256 (64 lower-case hex digits); what is stored never changes."""

    @property
    def spool_folder(self) -> Path:
        """The folder from which `put` takes files without copying them, if it can."""
        ...

    def put(self, source: Path, sha256: str) -> bool:
        """Store the file's bytes durably; False when they were there already.

        The file stays where it is. Raises StorageFailed; then nothing is stored.
        """
        ...

    def open(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Return the bytes from `start`, all or `length` of them; raises BlobMissing at once."""
        ...

    def size(self, sha256: str) -> int | None:
        """Return the number of bytes, or None when the storage has none under this SHA-256."""
        ...

    def delete(self, sha256: str) -> None:
        """Remove the bytes; nothing happens when there are none. Raises StorageFailed."""
        ...
