"""A stored blob as a file that can be read anywhere; for looking into archives."""

import io

from packages_feed.storage.base import PIECE
from packages_feed.storage.choice import package_storage


class SeekableBlob(io.RawIOBase):
    """Reads the storage in ranges, one piece at a time."""

    def __init__(self, sha256: str, size: int) -> None:
        self._sha256 = sha256
        self._size = size
        self._place = 0
        self._piece = b""
        self._piece_start = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, origin + offset)
        return self._place

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._size, self._place + size)
        parts = []
        while self._place < end:
            part = self._here()[: end - self._place]
            if not part:
                break
            parts.append(part)
            self._place += len(part)
        return b"".join(parts)

    def _here(self) -> bytes:
        inside = self._place - self._piece_start
        if not 0 <= inside < len(self._piece):
            start = (self._place // PIECE) * PIECE
            length = min(PIECE, self._size - start)
            self._piece = b"".join(package_storage().open(self._sha256, start=start, length=length))
            self._piece_start = start
            inside = self._place - start
        return self._piece[inside:]
