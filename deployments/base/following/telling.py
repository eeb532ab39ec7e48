"""Telling open pages that something has changed, as server-sent events.

One reader for each process and kind of page looks for any number of viewers. They are told no more
than that something happened in their space, and ask for the page with their own rights. So an idle
page costs nothing, and a change is seen within a second or two.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from typing import Any, Final, Generic, TypeVar

import structlog
from django.db import Error as DatabaseError

from deployments.base.threads import in_thread

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 1.0
# A busy space does not have its pages drawn more often than this.
TELL_EVERY: Final = 5.0
COMMENT_EVERY: Final = 15.0
# Then the browser connects again, and its session is looked at again.
LONGEST: Final = 600.0

Seen = TypeVar("Seen")
# Given what the look before has seen, None at first, and the spaces (row numbers) that are viewed:
# what is seen now, and the spaces in which something has changed since.
Look = Callable[[Seen | None, Collection[int]], tuple[Seen, Collection[int | None]]]


class _Reader(Generic[Seen]):
    """Looks for the viewers of one event loop; each viewer has its space."""

    def __init__(self, look: Look[Seen]) -> None:
        self.viewers: dict[asyncio.Event, int] = {}
        self.is_ready = asyncio.Event()
        self._look = look
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._read())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _read(self) -> None:
        seen: Seen | None = None
        while True:
            viewed = set(self.viewers.values())
            try:
                seen, changed = await in_thread(lambda: self._look(seen, viewed))  # noqa: B023 called at once
            except DatabaseError as error:
                log.warning("nothing can be read; trying again", error=type(error).__name__)
                changed = ()
            self.is_ready.set()
            for viewer, space in self.viewers.items():
                if space in changed:
                    viewer.set()
            await asyncio.sleep(LOOK_EVERY)


class Telling(Generic[Seen]):
    """What pages of one kind are told, by a function that looks for changes."""

    def __init__(self, look: Look[Seen]) -> None:
        self._look = look
        self.readers: dict[int, _Reader[Any]] = {}

    async def stream(self, space: int) -> AsyncGenerator[bytes, None]:
        """Yield an event whenever something has changed in the space, for a while."""
        loop = asyncio.get_running_loop()
        reader = self.readers.get(id(loop))
        changed = asyncio.Event()
        if reader is None:
            reader = self.readers[id(loop)] = _Reader(self._look)
            reader.start()
        reader.viewers[changed] = space
        end = loop.time() + LONGEST
        try:
            await reader.is_ready.wait()
            yield b"retry: 2000\n\n"
            while loop.time() < end:
                try:
                    async with asyncio.timeout(COMMENT_EVERY):
                        await changed.wait()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                changed.clear()
                yield b"event: changed\ndata: {}\n\n"
                await asyncio.sleep(TELL_EVERY)
        finally:
            del reader.viewers[changed]
            if not reader.viewers:
                reader.stop()
                self.readers.pop(id(loop), None)
