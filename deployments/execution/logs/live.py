"""The live stream of a task to browsers: one reader per task and process, any number of viewers.

Events carry the task-wide event number as their id, so a browser that reconnects resumes from
the database exactly where it was. Redis only says "look again"; without it a look comes every
two seconds.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from django.db import DatabaseError
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
_MOST_WAITING = 200


@dataclass(frozen=True)
class Message:
    """One server-sent event; `number` is 0 for states, which have no place in the log."""

    number: int
    kind: str
    data: str

    def encode(self) -> bytes:
        """Write it in the form of an event stream."""
        identity = f"id: {self.number}\n" if self.number else ""
        return f"{identity}event: {self.kind}\ndata: {self.data}\n\n".encode()


class _Feed:
    """Reads one task for all its viewers in this process."""

    def __init__(self, task_pk: int, last_number: int) -> None:
        self.task_pk = task_pk
        self.viewers: set[asyncio.Queue[Message | None]] = set()
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
            after = self.last_number
            try:
                events, state = await in_thread(lambda: _look(self.task_pk, after))  # noqa: B023
            except (DatabaseError, LogUnavailable) as error:
                log.warning("a task cannot be read; trying again", error=type(error).__name__)
                continue
            except ServerTask.DoesNotExist:
                self._end()
                return
            messages = [log_message(event) for event in events]
            if events:
                self.last_number = events[-1].number
                self._wake.set()
            if state != self.last_state:
                self.last_state = state
                messages.append(Message(0, "state", state))
            for viewer in list(self.viewers):
                self._give(viewer, messages)
            await asyncio.sleep(AT_MOST_EVERY)

    def _give(self, viewer: "asyncio.Queue[Message | None]", messages: list[Message]) -> None:
        try:
            for message in messages:
                viewer.put_nowait(message)
        except asyncio.QueueFull:
            self._dismiss(viewer)

    def _dismiss(self, viewer: "asyncio.Queue[Message | None]") -> None:
        self.viewers.discard(viewer)
        while not viewer.empty():
            viewer.get_nowait()
        viewer.put_nowait(None)

    def _end(self) -> None:
        for viewer in list(self.viewers):
            self._dismiss(viewer)


_feeds: dict[tuple[int, int], _Feed] = {}


async def stream(task_pk: int, after: int) -> AsyncIterator[bytes]:
    """Yield the events after a number, then live ones, until the task has ended."""
    cursor = after
    async for event in _stored(task_pk, cursor):
        cursor = event.number
        yield event.encode()
    feed = _join(task_pk, cursor)
    queue: asyncio.Queue[Message | None] = asyncio.Queue(_MOST_WAITING)
    feed.viewers.add(queue)
    try:
        async for event in _stored(task_pk, cursor):
            cursor = event.number
            yield event.encode()
        state = await in_thread(lambda: task_state(task_pk))
        yield Message(0, "state", state).encode()
        while not json.loads(state)["completed"]:
            try:
                async with asyncio.timeout(COMMENT_EVERY):
                    message = await queue.get()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if message is None:
                return
            if message.kind == "state":
                state = message.data
            elif message.number <= cursor:
                continue
            else:
                cursor = message.number
            yield message.encode()
    finally:
        _leave(feed, queue)
    async for event in _stored(task_pk, cursor):
        yield event.encode()
    yield Message(0, "end", "{}").encode()


async def _stored(task_pk: int, after: int) -> AsyncIterator[Message]:
    """Yield what the database has after a number."""
    while events := await in_thread(lambda: events_after(task_pk, after)):  # noqa: B023
        for event in events:
            yield log_message(event)
        after = events[-1].number


def log_message(event: LogEvent) -> Message:
    """Write a log event for the browser."""
    body = {"node": event.execution_id, "segments": [asdict(item) for item in event.segments]}
    return Message(event.number, "log", json.dumps(body, ensure_ascii=False))


def task_state(task_pk: int) -> str:
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


def _look(task_pk: int, after: int) -> tuple[list[LogEvent], str]:
    return events_after(task_pk, after), task_state(task_pk)


def _join(task_pk: int, number: int) -> _Feed:
    key = (id(asyncio.get_running_loop()), task_pk)
    feed = _feeds.get(key)
    if feed is None:
        feed = _feeds[key] = _Feed(task_pk, number)
        feed.start()
    return feed


def _leave(feed: _Feed, queue: "asyncio.Queue[Message | None]") -> None:
    feed.viewers.discard(queue)
    if not feed.viewers:
        feed.stop()
        _feeds.pop((id(asyncio.get_running_loop()), feed.task_pk), None)
