"""A large body that a view reads while it still comes, instead of a copy on the disk."""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

from django.db import connection

from deployments.base.threads import give_connection_back

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_MOST_WAITING: Final = 4 * 1024 * 1024
_WORTH_READING: Final = 256 * 1024
_PIECE: Final = 1024 * 1024


class LargeBody:
    """An ASGI `receive` that can give the body as a file.

    It is as any other until `begin`; from then on it tells of the client's going alone.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._file: LiveFile | None = None

    def begin(self) -> "LiveFile":
        """Start to take the body in; return the file from which another thread reads it."""
        self._file = LiveFile(self._receive)
        return self._file

    async def __call__(self) -> Message:
        if self._file is None:
            return await self._receive()
        await self._file.ended.wait()
        while (message := await self._receive())["type"] == "http.request":
            pass  # what nobody has read
        return message


class LiveFile:
    """A file of bytes that come in this event loop and are read in a thread; it cannot seek.

    A reader that has to wait gives its database connection back, so that slow clients hold none.
    It raises ConnectionResetError when the client goes away.
    """

    def __init__(self, receive: Receive) -> None:
        self.ended = asyncio.Event()
        """Set when nothing more will come."""
        self._loop = asyncio.get_running_loop()
        self._has_room = asyncio.Event()
        self._has_news = threading.Condition()
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._is_over = self._is_broken = False
        self._task = asyncio.create_task(self._take_in(receive))

    async def _take_in(self, receive: Receive) -> None:
        is_complete = False
        try:
            while not is_complete:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                self._put(message.get("body", b""))
                is_complete = not message.get("more_body", False)
                if self._waiting >= _MOST_WAITING:
                    await self._has_room.wait()
        finally:
            with self._has_news:
                self._is_over, self._is_broken = True, not is_complete
                self._has_news.notify()
            self.ended.set()

    def _put(self, piece: bytes) -> None:
        with self._has_news:
            if piece:
                self._pieces.append(piece)
                self._waiting += len(piece)
            if self._waiting >= _MOST_WAITING:
                self._has_room.clear()
            if self._waiting >= _WORTH_READING:
                self._has_news.notify()

    def read(self, size: int | None = -1) -> bytes:
        """Return at most `size` bytes, as soon as there are some; all that are left if negative."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_PIECE), b""))
        return self._taken(size)

    def readline(self) -> bytes:
        """Return what comes up to the next end of a line, or to the end."""
        parts: list[bytes] = []
        while not (parts and parts[-1].endswith(b"\n")):
            if not (part := self._taken(1 if not self._pieces else self._first_line())):
                break
            parts.append(part)
        return b"".join(parts)

    def _first_line(self) -> int:
        """Return how many bytes of the first piece belong to the line."""
        piece = self._pieces[0]
        return piece.find(b"\n") + 1 or len(piece)

    def _taken(self, size: int) -> bytes:
        """Wait for bytes, and take some."""
        enough = min(size, _WORTH_READING)
        if self._waiting < enough and not (self._is_over or connection.in_atomic_block):
            give_connection_back()
        with self._has_news:
            self._has_news.wait_for(lambda: self._is_over or self._waiting >= enough)
            if self._is_broken and not self._pieces:
                raise ConnectionResetError("The client went away while it sent its request.")
            taken = self._take(size)
            is_roomy = self._waiting < _MOST_WAITING // 2
        if taken and is_roomy:
            self._tell(self._has_room.set)
        return taken

    def _take(self, size: int) -> bytes:
        pieces, left = [], size
        while left and self._pieces:
            piece = self._pieces.popleft()
            if len(piece) > left:
                self._pieces.appendleft(piece[left:])
                piece = piece[:left]
            pieces.append(piece)
            left -= len(piece)
        self._waiting -= size - left
        return b"".join(pieces)

    def close(self) -> None:
        """Take nothing more in; may be called by any thread, more than once."""
        self._tell(self._task.cancel)

    def _tell(self, what: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(what)
