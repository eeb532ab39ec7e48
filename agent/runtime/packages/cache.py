"""The package cache of one agent: files named by their SHA-256, verified before every use."""

import asyncio
import contextlib
import errno
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from agent.contracts import limits
from agent.runtime.hashing import hash_file
from agent.runtime.http import Endpoint
from agent.runtime.packages.download import fetch
from agent.runtime.packages.patching import Arrival, Patching
from agent.runtime.platform import free_disk

_UNFINISHED = {".part", ".etag", ".patch", ".new"}


class PackageCache:
    """Hold packages while commands need them; the rest is evicted, the longest unused first."""

    def __init__(
        self, folder: Path, endpoint: Endpoint, credential: str, limit: int = limits.PACKAGE_CACHE
    ) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._credential = credential
        self._limit = limit
        self._pinned: Counter[str] = Counter()
        self._locks: dict[str, asyncio.Lock] = {}
        self._patching = Patching(folder, endpoint, credential, self._hold_one, self._make_room)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._clear_unfinished()

    @contextlib.asynccontextmanager
    async def hold(self, packages: Iterable[dict[str, Any]]) -> AsyncIterator[None]:
        """Keep packages in the cache for the block, whether or not they are there yet."""
        names = [package["sha256"] for package in packages]
        self._pinned.update(names)
        try:
            yield
        finally:
            self._pinned.subtract(names)

    async def ensure(self, package: dict[str, Any]) -> Arrival:
        """Make sure that a package is here and whole; HttpError, OSError or WrongContent if not.

        What it lacks may come as a patch of another package that is here. A `fresh` one is
        downloaded whatever is here; what runs meanwhile keeps the old file.
        """
        sha256, size = package["sha256"], int(package.get("size") or 0)
        async with self._locks.setdefault(sha256, asyncio.Lock()):
            path = self._folder / sha256
            if path.exists() and not package.get("fresh"):
                if await asyncio.to_thread(hash_file, path) == sha256:
                    os.utime(path)
                    return Arrival("kept")
                path.unlink()
            begun = path.with_suffix(".part").exists()
            made = None
            if not package.get("fresh") and not begun:
                made = await self._patching.make(sha256, size)
            if made is not None:
                return made
            self._make_room(size)
            source = f"/agent/v1/packages/{sha256}"
            await fetch(self._endpoint, self._credential, source, sha256, path)
            return Arrival("whole", path.stat().st_size)

    def _hold_one(self, sha256: str) -> contextlib.AbstractAsyncContextManager[None]:
        return self.hold([{"sha256": sha256}])

    def _clear_unfinished(self) -> None:
        """Remove what broken transfers left a long time ago; nobody will continue them."""
        old = time.time() - limits.PARTIAL_KEPT
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if path.suffix in _UNFINISHED and path.stat().st_mtime < old:
                    path.unlink()

    def _make_room(self, size: int) -> None:
        files = sorted(
            (path for path in self._folder.iterdir() if path.is_file()),
            key=lambda path: path.stat().st_mtime,
        )
        used = sum(path.stat().st_size for path in files)
        for path in files:
            enough = free_disk(self._folder) >= size + limits.MIN_FREE_DISK
            if enough and used + size <= self._limit:
                return
            if not self._pinned[path.name.split(".")[0]]:
                used -= path.stat().st_size
                path.unlink()
        if free_disk(self._folder) < size + limits.MIN_FREE_DISK:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
