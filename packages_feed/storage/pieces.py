"""What has come of uploads that are sent in pieces, until they are whole."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol


class PiecesBusy(Exception):
    """Another request is just adding to the same upload."""


class Adding(Protocol):
    """A place at the end of an upload; `here` says how many bytes are before it."""

    here: int

    def write(self, data: bytes) -> None:
        """Add bytes. Raises StorageFailed or OSError; what was added before stays."""
        ...

    def undo(self) -> None:
        """Take away what was added through this object."""
        ...


class PieceStore(Protocol):
    """The pieces of one upload, for all servers that share the storage."""

    def received(self) -> int:
        """Return how many bytes are here without a gap."""
        ...

    def adding(self) -> AbstractContextManager[Adding]:
        """Add at the end; what was written stays when the block fails. Raises PiecesBusy."""
        ...

    def whole(self) -> Iterator[bytes]:
        """Return all bytes in order."""
        ...

    def path(self) -> Path | None:
        """Return the file of this machine that has all bytes; None when there is none."""
        ...

    def drop(self) -> None:
        """Delete the bytes."""
        ...

    def note(self, text: str) -> None:
        """Keep a short text about the upload when its bytes are gone."""
        ...

    def noted(self) -> str | None:
        """Return the text that was kept."""
        ...


class FilePieces:
    """A file that grows in the folder of uploads, which servers of one storage share."""

    def __init__(self, folder: Path, number: str) -> None:
        self._path = folder / f"pieces-{number}"
        self._note = folder / f"done-{number}"

    def received(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    @contextmanager
    def adding(self) -> Iterator[Adding]:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise PiecesBusy from error
            yield _FileEnd(file)

    def whole(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while data := file.read(1024 * 1024):
                yield data

    def path(self) -> Path | None:
        return self._path

    def drop(self) -> None:
        self._path.unlink(missing_ok=True)

    def note(self, text: str) -> None:
        self._note.write_text(text)

    def noted(self) -> str | None:
        with contextlib.suppress(FileNotFoundError):
            return self._note.read_text()
        return None


class _FileEnd:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = self.here = file.seek(0, os.SEEK_END)

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.here += len(data)

    def undo(self) -> None:
        self._file.flush()
        self._file.truncate(self._start)
        self._file.seek(self._start)
        self.here = self._start
