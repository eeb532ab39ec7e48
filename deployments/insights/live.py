"""Telling open boards that something has changed, as server-sent events.

One reader for each process looks at the stream of events, for any number of viewers. They are told
no more than that something happened in the space, and ask for the board with their own rights. So
an idle board costs nothing, and a change is seen within a second or two.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import structlog
from django.db import DatabaseError

from deployments.audit.categories import GROUPS
from deployments.base.following.stream import Place, newest_place, read_after
from deployments.base.models import Event
from deployments.base.threads import in_thread

log = structlog.get_logger(__name__)

CATEGORIES: Final = frozenset(
    {
        *GROUPS["Deployment"],
        *GROUPS["Document"],
        "DefectReported",
        "DefectResolved",
        "GuidedFailureInterruptionRaised",
        "ManualInterventionInterruptionRaised",
        "TaskCanceled",
        "TaskStateChanged",
    }
)
LOOK_EVERY: Final = 1.0
# A busy space does not have its boards drawn more often than this.
TELL_EVERY: Final = 5.0
COMMENT_EVERY: Final = 15.0
# Then the browser connects again, and its session is looked at again.
LONGEST: Final = 600.0
_BATCH: Final = 500


class _Reader:
    """Reads the stream of events for the viewers of one event loop; each viewer has its space."""

    def __init__(self) -> None:
        self.viewers: dict[asyncio.Event, int] = {}
        self.is_ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._read())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _read(self) -> None:
        place: Place | None = None
        while True:
            try:
                place, spaces = await in_thread(lambda: _look(place))  # noqa: B023 called at once
            except DatabaseError as error:
                log.warning("the events cannot be read; trying again", error=type(error).__name__)
                spaces = set()
            self.is_ready.set()
            for changed, space in self.viewers.items():
                if space in spaces:
                    changed.set()
            await asyncio.sleep(LOOK_EVERY)


_readers: dict[int, _Reader] = {}


async def stream(space: int) -> AsyncGenerator[bytes, None]:
    """Yield an event whenever something has changed in the space (its row number), for a while."""
    loop = asyncio.get_running_loop()
    reader = _readers.get(id(loop))
    if reader is None:
        reader = _readers[id(loop)] = _Reader()
        reader.start()
    changed = asyncio.Event()
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
            _readers.pop(id(loop), None)


def _look(place: Place | None) -> tuple[Place, set[int | None]]:
    """Return how far the stream goes now, and the spaces in which something has changed."""
    if place is None:
        return newest_place(), set()
    seen = read_after(place, limit=_BATCH)
    numbers = [each.place.event_id for each in seen if each.category in CATEGORIES]
    if not numbers:
        return (seen[-1].place if seen else place), set()
    rows = Event.objects.filter(pk__in=numbers).order_by()
    return seen[-1].place, set(rows.values_list("space_id", flat=True).distinct())
