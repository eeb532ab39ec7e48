"""Notice changes in folders at once by inotify; where that is not to be had, callers poll."""

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.contracts import limits

_IN_MODIFY, _IN_MOVED_TO, _IN_CREATE = 0x2, 0x80, 0x100
_EVENT = struct.Struct("iIII")

# What a runner writes and a daemon waits for: a growing spool, a start, a result.
NAMES = {b"out.spool": _IN_MODIFY, b"started": _IN_CREATE, b"exit": _IN_MOVED_TO}
_RESULT = _IN_MOVED_TO
_ALL = _IN_MODIFY | _IN_CREATE | _IN_MOVED_TO


@dataclass(slots=True)
class _Watched:
    path: bytes
    callback: Callable[[], None]
    look: asyncio.TimerHandle | None = None


class FolderWatch:
    """One inotify descriptor for all watched folders of a running event loop."""

    def __init__(self) -> None:
        self._watched: dict[int, _Watched] = {}
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._descriptor >= 0:
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    @property
    def works(self) -> bool:
        """False when the system has no more watches to give."""
        return self._descriptor >= 0

    def add(self, folder: Path, callback: Callable[[], None], first_look: float) -> int:
        """Call back when one of NAMES in the folder changes: at once for a result, and soon for
        the rest, so that what belongs together is seen together; once after `first_look` seconds
        in any case.

        Returns a handle, negative if the folder cannot be watched.
        """
        if self._descriptor < 0:
            return -1
        path = os.fsencode(folder)
        handle = self._ask_for(path, _RESULT)
        if handle >= 0:
            self._watched[handle] = _Watched(path, callback)
            self._look_soon(handle, first_look)
        return handle

    def remove(self, handle: int) -> None:
        """Stop watching a folder."""
        watched = self._watched.pop(handle, None)
        if watched is not None:
            if watched.look is not None:
                watched.look.cancel()
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
            watched = self._watched.get(handle)
            if watched is None:
                continue
            if mask & _RESULT:
                watched.callback()
            elif watched.look is None:
                # Until then nothing but the result is worth waking up for.
                self._ask_for(watched.path, _RESULT)
                self._look_soon(handle)

    def _look_soon(self, handle: int, delay: float = limits.OUT_LEAD_DELAY) -> None:
        loop = asyncio.get_running_loop()
        self._watched[handle].look = loop.call_later(delay, self._look, handle)

    def _look(self, handle: int) -> None:
        watched = self._watched[handle]
        watched.look = None
        # Before the look, so that no change falls between the two.
        self._ask_for(watched.path, _ALL)
        watched.callback()

    def _ask_for(self, path: bytes, mask: int) -> int:
        handle: int = self._libc.inotify_add_watch(self._descriptor, path, mask)
        return handle
