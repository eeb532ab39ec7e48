"""Packages in a folder: `ab/cd/abcd…`, complete or not there at all."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from packages_feed.storage.base import PIECE, BlobMissing, StorageFailed


class FileStorage:
    """A folder; several servers may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def spool_folder(self) -> Path:
        folder = self.folder / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def put(self, source: Path, sha256: str) -> bool:
        target = self._path(sha256)
        try:
            if target.exists() and target.stat().st_size == source.stat().st_size:
                return False
            self._make_shard(target.parent)
            temporary = self.spool_folder / f"{uuid.uuid4().hex}.tmp"
            try:
                _link_or_copy(source, temporary)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
            sync_folder(target.parent)
        except OSError as error:
            raise StorageFailed(f"The package could not be stored: {error.strerror}.") from error
        return True

    def open(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        try:
            file = self._path(sha256).open("rb")
        except FileNotFoundError as error:
            raise BlobMissing(sha256) from error
        except OSError as error:
            raise StorageFailed(f"The package cannot be read: {error.strerror}.") from error
        return _Pieces(file, start, length)

    def size(self, sha256: str) -> int | None:
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, sha256: str) -> None:
        path = self._path(sha256)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageFailed(f"The package cannot be deleted: {error.strerror}.") from error

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):  # noqa: PLR2004 a limit named by this rule alone
            raise BlobMissing(sha256)
        return self.folder / "packages" / sha256[:2] / sha256[2:4] / sha256

    def _make_shard(self, shard: Path) -> None:
        missing = [folder for folder in (shard, *shard.parents) if not folder.exists()]
        shard.mkdir(parents=True, exist_ok=True)
        for folder in missing:
            sync_folder(folder.parent)


def _link_or_copy(source: Path, target: Path) -> None:
    """Make `target` a durable file of the same bytes."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
