"""Work on a large upload beside the thread that receives it: hashing, and writing to the disk."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

# Less is hashed at once: handing it over takes longer.
_HANDED_OVER: Final = 1024 * 1024
_FORCED_EVERY: Final = 64 * 1024 * 1024


class Hashes:
    """SHA-1, SHA-256 and SHA-512 of bytes that come in pieces."""

    def __init__(self) -> None:
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256, self._sha512 = hashlib.sha256(), hashlib.sha512()
        self._pieces: list[bytes] = []
        self._size = 0
        # The longest of them takes as long as the other two together.
        self._beside = Beside(self._quick, self._slow)

    def update(self, piece: bytes) -> None:
        """Take the next piece into account, at once or beside."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= _HANDED_OVER:
            self._beside.go_on(self._pieces)
            self._pieces, self._size = [], 0

    def hexdigests(self) -> tuple[str, str, str]:
        """Return SHA-1, SHA-256 and SHA-512 of all, in lower-case hex."""
        self.close()
        self._quick(self._pieces)
        self._slow(self._pieces)
        self._pieces, self._size = [], 0
        return self._sha1.hexdigest(), self._sha256.hexdigest(), self._sha512.hexdigest()

    def close(self) -> None:
        """Wait for what runs beside."""
        self._beside.close()

    def _quick(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._sha1.update(piece)
            self._sha256.update(piece)

    def _slow(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._sha512.update(piece)


class WriteBack:
    """Forces a growing file to the disk from time to time, so that its end is not waited for."""

    def __init__(self, descriptor: int) -> None:
        self._beside = Beside(lambda _: os.fdatasync(descriptor))
        self._size = 0

    def written(self, size: int) -> None:
        """Say that so many bytes more were written."""
        self._size += size
        if self._size >= _FORCED_EVERY and not self._beside.is_busy:
            self._size = 0
            self._beside.go_on(None)

    def close(self) -> None:
        """Wait for what runs beside."""
        self._beside.close()


class Beside:
    """Works, each in a thread of its own, that get one thing after the other."""

    def __init__(self, *works: Callable[[Any], object]) -> None:
        self._works = works
        self._pool: ThreadPoolExecutor | None = None
        self._running: list[Future[object]] = []

    @property
    def is_busy(self) -> bool:
        return not all(each.done() for each in self._running)

    def go_on(self, thing: Any) -> None:
        """Hand the next thing to all when they have done the one before; raises as they do."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(len(self._works), "upload")
        self._wait()
        self._running = [self._pool.submit(work, thing) for work in self._works]

    def close(self) -> None:
        """Wait for the last thing; raises as the works do."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
            self._wait()

    def _wait(self) -> None:
        running, self._running = self._running, []
        for each in running:
            each.result()
