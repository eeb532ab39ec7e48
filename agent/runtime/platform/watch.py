"""Notice changes in folders at once by inotify; where that is not to be had, callers poll."""

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable
from pathlib import Path

from agent.contracts import limits

_IN_MODIFY, _IN_CLOSE_WRITE, _IN_MOVED_TO = 0x2, 0x8, 0x80
_EVENT = struct.Struct("iIII")

# What a runner writes and a daemon waits for: a growing spool, a complete start, a result.
NAMES = {b"out.spool": _IN_MODIFY, b"started": _IN_CLOSE_WRITE, b"exit": _IN_MOVED_TO}


class FolderWatch:
    """One inotify descriptor for all watched folders of a running event loop."""

    def __init__(self) -> None:
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._delayed: dict[int, asyncio.TimerHandle] = {}
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._descriptor >= 0:
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    @property
    def works(self) -> bool:
        """False when the system has no more watches to give."""
        return self._descriptor >= 0

    def add(self, folder: Path, callback: Callable[[], None]) -> int:
        """Call back when one of NAMES in the folder changes: at once for a result, and soon for
        the rest, so that what belongs together is seen together.

        Returns a handle, negative if the folder cannot be watched.
        """
        if self._descriptor < 0:
            return -1
        mask = _IN_MODIFY | _IN_CLOSE_WRITE | _IN_MOVED_TO
        handle: int = self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), mask)
        if handle >= 0:
            self._callbacks[handle] = callback
        return handle

    def remove(self, handle: int) -> None:
        """Stop watching a folder."""
        if (delayed := self._delayed.pop(handle, None)) is not None:
            delayed.cancel()
        if self._callbacks.pop(handle, None) is not None:
            self._libc.inotify_rm_watch(self._descriptor, handle)

    def close(self) -> None:
        """Stop watching everything."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _read(self) -> None:
        data = os.read(self._descriptor, 64 * 1024)
        masks: dict[int, int] = {}
        position = 0
        while position < len(data):
            handle, mask, _, length = _EVENT.unpack_from(data, position)
            start = position + _EVENT.size
            position = start + length
            if mask & NAMES.get(data[start:position].rstrip(b"\0"), 0):
                masks[handle] = masks.get(handle, 0) | mask
        for handle, mask in masks.items():
            if mask & _IN_MOVED_TO:
                self._call(handle)
            elif handle not in self._delayed:
                loop = asyncio.get_running_loop()
                self._delayed[handle] = loop.call_later(limits.OUT_LEAD_DELAY, self._call, handle)

    def _call(self, handle: int) -> None:
        if (delayed := self._delayed.pop(handle, None)) is not None:
            delayed.cancel()
        callback = self._callbacks.get(handle)
        if callback is not None:
            callback()
