"""Searching the log of a task: bounded in time and hits, and to be gone on with.

Each line is looked at once: in the chunk in which it ends. Chunks are looked at as bytes first and
only those that may have the text become lines, so that a hundred megabytes take a few rounds.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agent.contracts.spool import RECORD, Frame, decode_frames
from deployments.base.numbers import whole_number
from deployments.execution.logs.bodies import unpack_body
from deployments.execution.logs.lines import LineState, Segment, read_frames
from deployments.execution.logs.queries import Line, chunks_from, log_lines, task_lines
from deployments.execution.models import ActionExecution
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


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a search goes on: a node, the offset of a chunk, and the hits told of it already."""

    node: str = ""
    offset: int = 0
    told: int = 0

    def __str__(self) -> str:
        return f"{self.node}:{self.offset}:{self.told}"


def search_log(
    task: ServerTask,
    executions: Sequence[ActionExecution],
    text: str,
    *,
    node: str = "",
    levels: Collection[str] = (),
    start: str = "",
) -> Found:
    """Return the lines that contain the text, ignoring case.

    `node` limits it to one node and `levels` to lines of these levels, `start` is the `go_on` of
    the search before. However slow the log is, every round goes on by a chunk. Raises
    LogUnavailable.
    """
    ends = time.monotonic() + MOST_SECONDS
    place = _place(start)
    hits: list[Hit] = []
    if place.node in {"", TASK} and node in {"", TASK}:
        lines = [
            line
            for line in task_lines(task)
            if text.casefold() in line.text.casefold() and (not levels or line.level in levels)
        ]
        for told, line in enumerate(lines[place.told :], place.told):
            if len(hits) == MOST_HITS:
                return Found(hits, str(_Place(TASK, 0, told)))
            hits.append(Hit(TASK, "Task", line))
        place = _Place()
    for row in executions:
        key = f"exec-{row.pk}"
        if (place.node and place.node != key) or (node and node != key) or not row.log_length:
            continue
        begin, place = place, _Place()
        title = f"{row.action_name} on {row.target_name}"
        for offset, looked_at in _looked_at(row, text, begin.offset):
            lines = [line for line in looked_at if not levels or line.level in levels]
            skipped = begin.told if offset == begin.offset else 0
            for told, line in enumerate(lines[skipped:], skipped):
                if len(hits) == MOST_HITS:
                    return Found(hits, str(_Place(key, offset, told)))
                hits.append(Hit(key, title, line))
            if time.monotonic() >= ends:
                return Found(hits, str(_Place(key, offset + 1)))
    return Found(hits)


def _place(start: str) -> _Place:
    node, *numbers = start.split(":")
    offset, told = (_number(text) for text in (*numbers, "", "")[:2])
    return _Place(node, offset, told)


def _number(text: str) -> int:
    return whole_number(text) or 0


def _looked_at(row: ActionExecution, text: str, start: int) -> Iterator[tuple[int, list[Line]]]:
    """Yield each chunk's offset with the lines with the text that end in it."""
    wanted = text.casefold()
    carry: dict[int, bytes] = {}
    hot: set[int] | None = set() if start == 0 else None
    last: tuple[int, list[Line]] | None = None
    for chunk in chunks_from(row, start):
        if last is not None:
            yield last
        last = chunk.offset, []
        frames, _ = decode_frames(unpack_body(bytes(chunk.body)), chunk.offset)
        if not _may_have(frames, text, carry) and hot == set():
            continue
        state = LineState.from_json(chunk.start_state)
        began = set(state.open_lines.values())
        segments = read_frames(frames, state).segments
        whole = _whole_lines(row, segments, began)
        last[1].extend(line for line in whole if wanted in line.text.casefold())
        hot = _hot(segments, set(state.open_lines.values()), began, wanted)
    if last is not None:
        # Lines that have no end, or none yet.
        rest = (log_lines(row, first=number, count=1) for number in sorted(hot or ()))
        last[1].extend(n for lines in rest for n in lines if wanted in n.text.casefold())
        yield last


def _hot(segments: list[Segment], unended: set[int], before: set[int], wanted: str) -> set[int]:
    """Return the lines without an end so far that may have the text in what was seen of them."""
    texts: dict[int, str] = {}
    for segment in segments:
        if segment.number in unended:
            texts[segment.number] = texts.get(segment.number, "") + segment.text
    # A text that goes over the cut makes the chunk that follows one to look at.
    return {
        number
        for number in unended
        if number in before or wanted in texts.get(number, "").casefold()
    }


def _whole_lines(row: ActionExecution, segments: list[Segment], began: set[int]) -> list[Line]:
    """Return the lines that end in a chunk; `began` are those that began before it."""
    parts: dict[int, list[Segment]] = {}
    for segment in segments:
        parts.setdefault(segment.number, []).append(segment)
    lines: list[Line] = []
    for number in sorted(parts):
        mine = parts[number]
        if not mine[-1].ends:
            continue
        if number in began:
            lines += log_lines(row, first=number, count=1)
        else:
            text = "".join(part.text for part in mine)
            lines.append(Line(number, mine[0].level, mine[0].time_ms, text))
    return lines


def _may_have(frames: Sequence[Frame], text: str, carry: dict[int, bytes]) -> bool:
    """Tell whether a chunk, or the end of the one before with it, may have the text.

    Only texts and chunks of ASCII are judged by their bytes: other letters have several cases.
    """
    needle = text.lower().encode()
    streams: dict[int, list[bytes]] = {}
    found = not text.isascii()
    for frame in frames:
        if frame.stream == RECORD:
            found = True  # the agent's own warnings are lines as well
        else:
            streams.setdefault(frame.stream, []).append(frame.payload)
    for stream, parts in streams.items():
        joined = carry.get(stream, b"") + b"".join(parts).lower()
        found = found or needle in joined or not joined.isascii()
        carry[stream] = joined[1 - len(needle) :] if len(needle) > 1 else b""
    return found
