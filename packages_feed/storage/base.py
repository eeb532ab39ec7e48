"""What a package storage can do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from packages_feed.storage.pieces import PieceStore
from packages_feed.storage.writer import Writing

PIECE = 256 * 1024
"""Bytes that `open` gives at a time, at most."""
SHA256_DIGITS = 64
BINARY = "application/octet-stream"


class BlobMissing(Exception):
    """The storage has no bytes under this SHA-256."""


class StorageFailed(Exception):
    """The storage could not be reached, or refused or lost what was asked of it."""


class WrongBytes(StorageFailed):
    """What came is not what its SHA-256 says."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a storage, as its listing tells."""

    sha256: str
    size: int
    modified: datetime


class PackageStorage(Protocol):
    """Bytes by their SHA-256 (64 lower-case hex digits); what is stored never changes."""

    @property
    def spool_folder(self) -> Path:
        """The folder from which `put` takes files without copying them, if it can."""
        ...

    def begin(self, path: Path, sha256: str, content: bytes) -> Writing | None:
        """Begin to write a small file to `path`, in the spool folder, and then to its place.

        None where nobody does so beside this process; the caller goes the long way then.
        """
        ...

    def put(self, source: Path, sha256: str) -> bool:
        """Store the file's bytes durably; False when they were there already.

        The file stays where it is. Raises StorageFailed; then nothing is stored.
        """
        ...

    def put_stream(self, pieces: Iterator[bytes], sha256: str, size: int) -> bool:
        """Store `size` bytes as they come, in constant memory and hashed on the way.

        False when they were there already. Raises StorageFailed, and WrongBytes when they are not
        what `sha256` says; then nothing is stored.
        """
        ...

    def open(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Return the bytes from `start`, all or `length` of them; raises BlobMissing at once."""
        ...

    def local_path(self, sha256: str) -> Path | None:
        """Return the file of this machine that has the bytes; None when there is none."""
        ...

    def address(self, sha256: str, name: str) -> str | None:
        """Return an address at which anybody gets the bytes for a while, as a file of that name.

        None where the storage gives no addresses. Whether it has the bytes is not looked up.
        """
        ...

    def size(self, sha256: str) -> int | None:
        """Return the number of bytes, or None when the storage has none under this SHA-256."""
        ...

    def delete(self, sha256: str) -> None:
        """Remove the bytes; nothing happens when there are none. Raises StorageFailed."""
        ...

    def files(self, after: str = "") -> Iterator[StoredFile]:
        """Return all files whose SHA-256 is greater than `after`, in its order.

        What others keep in the same place is left out. Raises StorageFailed.
        """
        ...

    def pieces(self, number: str) -> PieceStore:
        """Return what has come of the upload in pieces that has this number (32 hex digits)."""
        ...

    def drop_unfinished(self, before: datetime) -> int:
        """Delete what uploads begun before that time have left behind; return how many."""
        ...


def is_sha256(text: str) -> bool:
    """Tell whether the text is a SHA-256 as storages name files by it."""
    return len(text) == SHA256_DIGITS and set(text) <= set("0123456789abcdef")


def as_file(name: str) -> str:
    """Return the Content-Disposition of a download with that name."""
    plain = re.sub(r"[^A-Za-z0-9._+-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"


def place_of(sha256: str) -> str:
    """Return the path of a file within its storage; raises BlobMissing for what is no SHA-256."""
    if not is_sha256(sha256):
        raise BlobMissing(sha256)
    return f"packages/{sha256[:2]}/{sha256[2:4]}/{sha256}"
