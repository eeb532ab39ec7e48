"""The live stream of a task to browsers: one reader per task and process, any number of viewers.

Events carry the task-wide event number as their id, so a browser that reconnects resumes from
the database exactly where it was. Redis only says "look again"; without it a look comes every
two seconds.
"""

import asyncio
import contextlib
import json
import math
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

import structlog
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from deployments.base.redis import asyncio_client
from deployments.base.threads import in_thread
from deployments.execution.logs.append import task_channel
from deployments.execution.logs.chunks import LogUnavailable
from deployments.execution.logs.queries import LogEvent, events_after
from deployments.execution.models import ActionExecution
from deployments.server_tasks.models import ServerTask

log = structlog.get_logger(__name__)

LOOK_EVERY = 2.0
AT_MOST_EVERY = 0.1
COMMENT_EVERY = 15.0
# Bytes that one viewer may be behind; who falls further comes again and reads what is stored.
_MOST_WAITING = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event; `number` is 0 for states, which have no place in the log."""

    number: int
    encoded: bytes


class Look:
    """What one look at a task brought; written once, however many viewers get it.

    The messages come in the order of their numbers, states last.
    """

    def __init__(self, messages: Sequence[Message], *, is_last: bool) -> None:
        self.is_last = is_last
        self.last_number = max((message.number for message in messages), default=0)
        self._encoded = b"".join(message.encoded for message in messages)
        self._numbers = [message.number or math.inf for message in messages]
        self._ends = list(accumulate(len(message.encoded) for message in messages))

    @property
    def size(self) -> int:
        return len(self._encoded)

    def after(self, number: int) -> bytes:
        """Return what a viewer who has everything up to `number` has not seen."""
        seen = bisect_right(self._numbers, number)
        return self._encoded[self._ends[seen - 1] :] if seen else self._encoded


class _Viewer:
    """One who looks at a task, and what waits for them; None says that no more comes."""

    def __init__(self) -> None:
        self._looks: asyncio.Queue[Look | None] = asyncio.Queue()
        self._waiting = 0

    def give(self, look: Look) -> bool:
        """Let the look wait; returns False when too much waits already."""
        if self._waiting > _MOST_WAITING:
            return False
        self._waiting += look.size
        self._looks.put_nowait(look)
        return True

    async def take(self) -> Look | None:
        look = await self._looks.get()
        self._waiting -= look.size if look else 0
        return look

    def dismiss(self) -> None:
        while not self._looks.empty():
            self._looks.get_nowait()
        self._looks.put_nowait(None)


class _Feed:
    """Reads one task for all its viewers in this process."""

    def __init__(self, task_pk: int, last_number: int) -> None:
        self.task_pk = task_pk
        self.viewers: set[_Viewer] = set()
        self.last_number = last_number
        self.last_state = ""
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._read())]

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError):
                async with asyncio_client() as client, client.pubsub() as subscription:
                    await subscription.subscribe(task_channel(self.task_pk))
                    async for _ in subscription.listen():
                        self._wake.set()
            await asyncio.sleep(1)

    async def _read(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._wake.wait()
            self._wake.clear()
            try:
                events, is_more, state = await _read_task(self.task_pk, self.last_number)
            except (DatabaseError, LogUnavailable) as error:
                log.warning("a task cannot be read; trying again", error=type(error).__name__)
                continue
            except ServerTask.DoesNotExist:
                self._end()
                return
            messages = [_log_message(event) for event in events]
            if events:
                self.last_number = events[-1].number
                self._wake.set()
            if state != self.last_state:
                self.last_state = state
                messages.append(_state_message(state))
            if messages:
                self._give(Look(messages, is_last=_is_completed(state)))
            await asyncio.sleep(0 if is_more else AT_MOST_EVERY)

    def _give(self, look: Look) -> None:
        for viewer in list(self.viewers):
            if not viewer.give(look):
                self._dismiss(viewer)

    def _dismiss(self, viewer: _Viewer) -> None:
        self.viewers.discard(viewer)
        viewer.dismiss()

    def _end(self) -> None:
        for viewer in list(self.viewers):
            self._dismiss(viewer)


_feeds: dict[tuple[int, int], _Feed] = {}


async def stream(task_pk: int, after: int) -> AsyncGenerator[bytes, None]:
    """Yield the events after a number, then live ones, until the task has ended."""
    cursor = after
    async for events in _stored(task_pk, cursor):
        cursor = events[-1].number
        yield _encoded(events)
    feed = _join(task_pk, cursor)
    viewer = _Viewer()
    feed.viewers.add(viewer)
    try:
        # What was stored before the feed knew of this viewer; all later comes through the feed.
        async for events in _stored(task_pk, cursor):
            cursor = events[-1].number
            yield _encoded(events)
        state = await in_thread(lambda: _task_state(task_pk))
        yield _state_message(state).encoded
        is_last = _is_completed(state)
        while not is_last:
            try:
                async with asyncio.timeout(COMMENT_EVERY):
                    look = await viewer.take()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if look is None:
                return
            if part := look.after(cursor):
                yield part
            cursor = max(cursor, look.last_number)
            is_last = look.is_last
    finally:
        _leave(feed, viewer)
    async for events in _stored(task_pk, cursor):
        yield _encoded(events)
    yield _message(0, "end", "{}").encoded


async def _stored(task_pk: int, after: int) -> AsyncIterator[list[LogEvent]]:
    """Yield what the database has after a number now; not what comes while that is read."""
    last, is_more = after, True
    while is_more:
        events, is_more = await in_thread(lambda: events_after(task_pk, last))  # noqa: B023 called at once
        if events:
            last = events[-1].number
            yield events


def _encoded(events: Sequence[LogEvent]) -> bytes:
    return b"".join(_log_message(event).encoded for event in events)


def _log_message(event: LogEvent) -> Message:
    """Write a log event for the browser."""
    body = {"node": event.execution_id, "segments": [asdict(item) for item in event.segments]}
    return _message(event.number, "log", json.dumps(body, ensure_ascii=False))


def _state_message(state: str) -> Message:
    return _message(0, "state", state)


def _message(number: int, kind: str, data: str) -> Message:
    identity = f"id: {number}\n" if number else ""
    return Message(number, f"{identity}event: {kind}\ndata: {data}\n\n".encode())


def _is_completed(state: str) -> bool:
    return bool(json.loads(state)["completed"])


def _task_state(task_pk: int) -> str:
    """Return the states that a task's page shows, as JSON: of the task and of each execution."""
    task = ServerTask.objects.unscoped(reason="the viewer's access was checked").get(pk=task_pk)
    rows = ActionExecution.objects.unscoped(reason="the viewer's access was checked").filter(
        task_id=task_pk
    )
    columns = ("pk", "state", "error_message", "progress_percentage", "progress_message")
    body: dict[str, Any] = {
        "state": task.state,
        "completed": task.is_completed,
        "waiting": task.waiting_reason,
        "error": task.error_message,
        "executions": list(rows.order_by("pk").values(*columns)),
    }
    return json.dumps(body)


async def _read_task(task_pk: int, after: int) -> tuple[list[LogEvent], bool, str]:
    return await in_thread(lambda: (*events_after(task_pk, after), _task_state(task_pk)))


def _join(task_pk: int, number: int) -> _Feed:
    key = (id(asyncio.get_running_loop()), task_pk)
    feed = _feeds.get(key)
    if feed is None:
        feed = _feeds[key] = _Feed(task_pk, number)
        feed.start()
    return feed


def _leave(feed: _Feed, viewer: _Viewer) -> None:
    feed.viewers.discard(viewer)
    if not feed.viewers:
        feed.stop()
        _feeds.pop((id(asyncio.get_running_loop()), feed.task_pk), None)
