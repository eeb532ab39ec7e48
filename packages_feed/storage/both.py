"""Two storages as one, while files move from one to the other."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path

from packages_feed.storage.base import BlobMissing, PackageStorage, StoredFile
from packages_feed.storage.pieces import PieceStore
from packages_feed.storage.writer import Writing


class MovingStorage:
    """Writes to the first; reads what only the second has from there; deletes in both."""

    def __init__(self, first: PackageStorage, second: PackageStorage) -> None:
        self.first = first
        self.second = second

    @property
    def spool_folder(self) -> Path:
        return self.first.spool_folder

    def begin(self, path: Path, sha256: str, content: bytes) -> Writing | None:
        return self.first.begin(path, sha256, content)

    def put(self, source: Path, sha256: str) -> bool:
        return self.first.put(source, sha256)

    def put_stream(self, pieces: Iterator[bytes], sha256: str, size: int) -> bool:
        return self.first.put_stream(pieces, sha256, size)

    def open(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        try:
            return self.first.open(sha256, start=start, length=length)
        except BlobMissing:
            return self.second.open(sha256, start=start, length=length)

    def local_path(self, sha256: str) -> Path | None:
        return self.first.local_path(sha256)

    def address(self, sha256: str, name: str) -> str | None:
        return None  # it could be that of the other one

    def size(self, sha256: str) -> int | None:
        size = self.first.size(sha256)
        return self.second.size(sha256) if size is None else size

    def delete(self, sha256: str) -> None:
        self.first.delete(sha256)
        self.second.delete(sha256)

    def files(self, after: str = "") -> Iterator[StoredFile]:
        both = heapq.merge(
            self.first.files(after), self.second.files(after), key=lambda file: file.sha256
        )
        # Of equal ones the merge gives that of the first storage first.
        for _, same in groupby(both, key=lambda file: file.sha256):
            yield next(same)

    def pieces(self, number: str) -> PieceStore:
        return self.first.pieces(number)

    def drop_unfinished(self, before: datetime) -> int:
        return self.first.drop_unfinished(before) + self.second.drop_unfinished(before)
