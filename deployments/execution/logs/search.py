"""Searching the log of a task: bounded in time and hits, and to be gone on with.

Chunks are looked at as bytes first and only those that may have the text become lines, so that a
hundred megabytes are searched in a few rounds.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from agent.contracts.spool import RECORD, decode_frames
from deployments.execution.logs.queries import Line, chunks_from, log_lines, task_lines
from deployments.execution.models import ActionExecution, LogChunk
from deployments.server_tasks.models import ServerTask

MOST_HITS: Final = 200
MOST_SECONDS: Final = 1.5
TASK: Final = "task"


@dataclass(frozen=True, slots=True)
class Hit:
    """A line with the text; `node` is the anchor of the node it is in."""

    node: str
    title: str
    line: Line


@dataclass(frozen=True, slots=True)
class Found:
    """Hits in the order of the log; `go_on` is where to search on, "" at the end."""

    hits: Sequence[Hit]
    go_on: str = ""


# Given the text and a line to begin with, yields lines with it, and between them the number of
# the line from which it has still to look.
_Look = Callable[[str, int], Iterator[Line | int]]


def search_log(
    task: ServerTask,
    executions: Sequence[ActionExecution],
    text: str,
    *,
    node: str = "",
    start: str = "",
) -> Found:
    """Return the lines that contain the text, ignoring case.

    `node` limits it to one node, `start` is the `go_on` of the search before.
    """
    wanted = text.casefold()
    ends = time.monotonic() + MOST_SECONDS
    hits: list[Hit] = []
    place, _, number = start.partition(":")
    first = int(number[:18]) if number.isascii() and number.isdigit() else 1
    for key, title, look in _nodes(task, executions):
        if place and key != place:
            continue
        begin, place, first = first, "", 1
        if node and key != node:
            continue
        for found in look(wanted, begin):
            if isinstance(found, int):
                if time.monotonic() >= ends:
                    return Found(hits, f"{key}:{found}")
                continue
            if len(hits) == MOST_HITS:
                return Found(hits, f"{key}:{found.number}")
            hits.append(Hit(key, title, found))
    return Found(hits)


def _nodes(
    task: ServerTask, executions: Sequence[ActionExecution]
) -> Iterator[tuple[str, str, _Look]]:
    yield TASK, "Task", partial(_in_task, task)
    for row in executions:
        title = f"{row.action_name} on {row.target_name}"
        yield f"exec-{row.pk}", title, partial(_in_execution, row)


def _in_task(task: ServerTask, text: str, first: int) -> Iterator[Line | int]:
    for line in task_lines(task):
        if line.number >= first and text in line.text.casefold():
            yield line


def _in_execution(row: ActionExecution, text: str, first: int) -> Iterator[Line | int]:
    carry: dict[int, bytes] = {}
    last = first - 1
    for chunk in chunks_from(row, first):
        end = chunk.first_line + chunk.line_count
        if _may_have(chunk, text, carry):
            # The line before may go on in this chunk, and so may its successor.
            start = max(1, last + 1, chunk.first_line - 2)
            for line in log_lines(row, first=start, count=max(1, end + 2 - start)):
                if line.number > last and text in line.text.casefold():
                    last = line.number
                    yield line
        yield max(last + 1, chunk.first_line)


def _may_have(chunk: LogChunk, text: str, carry: dict[int, bytes]) -> bool:
    """Tell whether the chunk, or the end of the one before with it, may have the text."""
    if not text.isascii():
        return True
    needle = text.encode()
    streams: dict[int, list[bytes]] = {}
    frames, _ = decode_frames(bytes(chunk.body), chunk.offset)
    for frame in frames:
        if frame.stream != RECORD:
            streams.setdefault(frame.stream, []).append(frame.payload)
    found = False
    for stream, parts in streams.items():
        joined = carry.get(stream, b"") + b"".join(parts).lower()
        found = found or needle in joined
        carry[stream] = joined[1 - len(needle) :] if len(needle) > 1 else b""
    return found
