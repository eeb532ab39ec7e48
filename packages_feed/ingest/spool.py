"""Bytes on their way in: written to a file once and hashed in the same pass."""

import os
import secrets
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from packages_feed.ingest.beside import Hashes, WriteBack
from packages_feed.ingest.limits import TooLarge, readable

UPLOAD: Final = "upload-"
"""How the names of temporary files begin."""
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Spooled:
    """A complete upload in a temporary file, with its hashes in lower-case hex.

    A small one may be held in memory: it has its `content`, and its file is yet to be written.
    """

    path: Path
    size: int
    sha1: str
    sha256: str
    sha512: str
    content: bytes | None = None

    def write_held(self) -> None:
        """Write the file of an upload that is held, and what somebody has written of it anew."""
        if self.content is not None:
            self.path.unlink(missing_ok=True)
            with open(self.path, "xb", opener=_private) as file:
                file.write(self.content)


class Spool:
    """A context manager around one temporary file; the file ends with the block."""

    def __init__(self, folder: Path, *, limit: int, what: str = "package") -> None:
        self._limit = limit
        self._what = what
        self.path = folder / f"{UPLOAD}{secrets.token_hex(16)}"
        self.size = 0
        self._hashes = Hashes()
        self._file: BinaryIO | None = None
        self._write_back: WriteBack | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def write(self, data: bytes) -> None:
        """Append; raises TooLarge."""
        file, write_back = self._opened()
        self._count(data)
        file.write(data)
        write_back.written(len(data))

    def finish(self) -> Spooled:
        """Return the complete upload; it may be empty."""
        self._opened()[0].flush()
        return self._spooled(None)

    def hold(self, content: bytes) -> Spooled:
        """Return a small upload that is here as a whole, without a file; raises TooLarge."""
        self._count(content)
        return self._spooled(content)

    def discard(self) -> None:
        """Close and remove the file."""
        self._hashes.close()
        if self._write_back is not None:
            with suppress(OSError):  # nobody wants it any more
                self._write_back.close()
        if self._file is not None:
            self._file.close()
        self.path.unlink(missing_ok=True)

    def _opened(self) -> tuple[BinaryIO, WriteBack]:
        if self._file is None or self._write_back is None:
            self._file = open(self.path, "xb", opener=_private)  # noqa: SIM115 closed in `discard`
            self._write_back = WriteBack(self._file.fileno())
        return self._file, self._write_back

    def _count(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit:
            raise TooLarge(f"The {self._what} is larger than {readable(self._limit)}.")
        self._hashes.update(data)

    def _spooled(self, content: bytes | None) -> Spooled:
        sha1, sha256, sha512 = self._hashes.hexdigests()
        return Spooled(self.path, self.size, sha1, sha256, sha512, content)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def spool_stream(spool: Spool, stream: BinaryIO | Iterable[bytes]) -> Spooled:
    """Write all that the stream gives; raises TooLarge."""
    read = getattr(stream, "read", None)
    if read is None:
        for piece in stream:
            spool.write(piece)
    else:
        while piece := read(_PIECE):
            spool.write(piece)
    return spool.finish()


def hash_file(path: Path) -> Spooled:
    """Return a file that is here as a whole as an upload; it stays where it is."""
    hashes, size = Hashes(), 0
    with path.open("rb") as file, closing(hashes):
        while piece := file.read(_PIECE):
            size += len(piece)
            hashes.update(piece)
        sha1, sha256, sha512 = hashes.hexdigests()
    return Spooled(path, size, sha1, sha256, sha512)
