"""Packages in a folder: `ab/cd/abcd…`, complete or not there at all."""

import hashlib
import os
import stat
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from packages_feed.storage.base import (
    PIECE,
    SHA256_DIGITS,
    BlobMissing,
    StorageFailed,
    StoredFile,
    WrongBytes,
    is_sha256,
    place_of,
)
from packages_feed.storage.disk import copy, link, make_folder, sync_folder, sync_parents
from packages_feed.storage.pieces import FilePieces, PieceStore
from packages_feed.storage.spooling import drop_old_files
from packages_feed.storage.writer import Writing, begin


class FileStorage:
    """A folder; several servers may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"

    @property
    def spool_folder(self) -> Path:
        if not self._incoming.is_dir():
            self._incoming.mkdir(parents=True, exist_ok=True)
        return self._incoming

    def begin(self, path: Path, sha256: str, content: bytes) -> Writing | None:
        return begin(path, self._path(sha256), content)

    def put(self, source: Path, sha256: str) -> bool:
        def write(target: Path) -> None:
            if not link(source, target):
                self._replace(target, lambda path: copy(source, path))

        return self._put(sha256, source.stat().st_size, write)

    def put_stream(self, pieces: Iterator[bytes], sha256: str, size: int) -> bool:
        def write(target: Path) -> None:
            self._replace(target, lambda path: _write_checked(pieces, path, sha256))

        return self._put(sha256, size, write)

    def _put(self, sha256: str, size: int, write: Callable[[Path], None]) -> bool:
        target = self._path(sha256)
        try:
            if _size(target) == size:
                sync_folder(target.parent)  # whoever has put it there may not have come so far
                return False
            made = make_folder(target.parent)
            write(target)
            # Last: the file's own sync wrote all but its name.
            sync_folder(target.parent)
            sync_parents(made)
        except OSError as error:
            raise StorageFailed(f"The package could not be stored: {error.strerror}.") from error
        return True

    def _replace(self, target: Path, write: Callable[[Path], None]) -> None:
        """Write a file, and give it the name of the target when it is complete."""
        temporary = self.spool_folder / f"{uuid.uuid4().hex}.tmp"
        try:
            write(temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def open(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        try:
            file = self._path(sha256).open("rb")
        except FileNotFoundError as error:
            raise BlobMissing(sha256) from error
        except OSError as error:
            raise StorageFailed(f"The package cannot be read: {error.strerror}.") from error
        return _Pieces(file, start, length)

    def local_path(self, sha256: str) -> Path | None:
        path = self._path(sha256)
        return path if path.is_file() else None

    def address(self, sha256: str, name: str) -> str | None:
        return None

    def size(self, sha256: str) -> int | None:
        try:
            return _size(self._path(sha256))
        except OSError as error:
            raise StorageFailed(f"The package cannot be read: {error.strerror}.") from error

    def delete(self, sha256: str) -> None:
        path = self._path(sha256)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageFailed(f"The package cannot be deleted: {error.strerror}.") from error

    def files(self, after: str = "") -> Iterator[StoredFile]:
        root = self.folder / "packages"
        for first in _names(root, 2, after[:2]):
            for second in _names(root / first, 2, after[2:4] if first == after[:2] else ""):
                for name in _names(root / first / second, SHA256_DIGITS, after):
                    path = root / first / second / name
                    if name > after and is_sha256(name) and (file := _stored(path)):
                        yield file

    def pieces(self, number: str) -> PieceStore:
        return FilePieces(self.spool_folder, number)

    def drop_unfinished(self, before: datetime) -> int:
        return drop_old_files(self.spool_folder, before)

    def _path(self, sha256: str) -> Path:
        return self.folder / place_of(sha256)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _names(folder: Path, length: int, least: str) -> list[str]:
    """Return the names of that length in the folder, from `least` on and in order."""
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageFailed(f"The storage cannot be listed: {error.strerror}.") from error
    return sorted(name for name in names if len(name) == length and name >= least)


def _stored(path: Path) -> StoredFile | None:
    """Return what the listing says of a file; None for what is none, or not any more."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return StoredFile(path.name, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC))


def _write_checked(pieces: Iterator[bytes], target: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with target.open("xb") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != sha256:
        raise WrongBytes(f"What came as {sha256} has the SHA-256 {digest.hexdigest()}.")


class _Pieces:
    """The rest of an open file, which stays readable even when it is deleted meanwhile."""

    def __init__(self, file: BinaryIO, start: int, length: int | None) -> None:
        self._file = file
        self._left = length
        file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        size = PIECE if self._left is None else min(PIECE, self._left)
        piece = self._file.read(size) if size and not self._file.closed else b""
        if not piece:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()
