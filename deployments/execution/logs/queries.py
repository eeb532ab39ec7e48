"""Reading logs: pages of lines, the stream of events, the raw text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db.models import F, Q

from agent.contracts.spool import RECORD, decode_frames
from deployments.execution.logs.bodies import unpack_body
from deployments.execution.logs.chunks import chunks_of
from deployments.execution.logs.lines import LineState, Segment, read_frames
from deployments.execution.models import ActionExecution, LogChunk
from deployments.server_tasks.models import ServerTask

# Each chunk has up to 64 KiB, and becomes several times that as text and JSON.
EVENTS_AT_ONCE = 50
# Bytes of log; every viewer who is slow holds so much.
_BYTES_AT_ONCE = 256 * 1024
_LINES_AT_ONCE = 5000
# A line that is interrupted for longer than this many chunks is shown as far as it is known.
_MOST_INTERRUPTED = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line of a log node."""

    number: int
    level: str
    time_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class LogEvent:
    """The segments that one stored chunk adds to a node (`execution_id` None = the task)."""

    number: int
    execution_id: int | None
    segments: Sequence[Segment]


def log_lines(execution: ActionExecution, *, first: int = 1, count: int = 500) -> list[Line]:
    """Return `count` lines of an execution's log from line `first` on."""
    end = first + count
    chunks = chunks_of(
        execution.task_id,
        Q(execution=execution, first_line__lt=end, first_line__gt=first - F("line_count")),
        lambda chunk: (
            chunk.execution_id == execution.pk and first - chunk.line_count < chunk.first_line < end
        ),
        order="offset",
    )
    found: list[Segment] = []
    offset = -1
    for chunk in chunks:
        offset = chunk.offset
        open_lines = chunk.start_state.get("open", {}).values()
        if chunk.first_line + chunk.line_count > first or any(n >= first for n in open_lines):
            found += [part for part in _read(chunk) if first <= part.number < end]
    return _merge(iter(found + _rests(execution, found, offset)))


def task_lines(task: ServerTask) -> list[Line]:
    """Return the lines that belong to the task itself."""
    chunks = chunks_of(
        task.pk,
        Q(execution=None),
        lambda chunk: chunk.execution_id is None,
        order="event_number",
    )
    return _merge(_segments(chunks))


def last_lines_of(
    executions: Sequence[ActionExecution], count: int, *, up_to: int
) -> dict[int, list[Line]]:
    """Return the last `count` lines of several executions of one task; two queries.

    Only what was stored up to the event number `up_to`, so that a stream can go on from there.
    """
    if not executions:
        return {}
    first = {row.pk: max(1, row.line_count - count + 1) for row in executions}
    wanted = Q(pk__in=[])
    for pk, number in first.items():
        wanted |= Q(execution=pk, first_line__gt=number - F("line_count"))
    chunks = chunks_of(
        executions[0].task_id,
        wanted & Q(event_number__lte=up_to),
        lambda chunk: (
            chunk.execution_id in first
            and chunk.first_line + chunk.line_count > first[chunk.execution_id]
            and chunk.event_number <= up_to
        ),
        order="event_number",
    )
    segments: dict[int, list[Segment]] = {pk: [] for pk in first}
    for chunk in chunks:
        pk = chunk.execution_id or 0
        segments[pk] += [part for part in _read(chunk) if part.number >= first[pk]]
    return {pk: _merge(iter(parts)) for pk, parts in segments.items()}


def events_after(task_pk: int, event_number: int) -> tuple[list[LogEvent], bool]:
    """Return the next log events of a task, oldest first, and whether more may be there already."""
    chunks = chunks_of(
        task_pk,
        Q(event_number__gt=event_number),
        lambda chunk: chunk.event_number > event_number,
        order="event_number",
    )
    found: list[LogEvent] = []
    size = 0
    for chunk in chunks:
        found.append(LogEvent(chunk.event_number, chunk.execution_id, _read(chunk)))
        size += chunk.raw_length
        if len(found) == EVENTS_AT_ONCE or size >= _BYTES_AT_ONCE:
            return found, True
    return found, False


def raw_bytes(execution: ActionExecution) -> Iterator[bytes]:
    """Yield exactly the bytes that the script printed, both streams in the order of arrival."""
    for chunk in chunks_from(execution):
        frames, _ = decode_frames(unpack_body(bytes(chunk.body)), chunk.offset)
        yield b"".join(frame.payload for frame in frames if frame.stream != RECORD)


def pages_of_lines(execution: ActionExecution) -> Iterator[list[Line]]:
    """Yield every line, some thousands at a time; between them no cursor is open."""
    for first in range(1, execution.line_count + 1, _LINES_AT_ONCE):
        yield log_lines(execution, first=first, count=_LINES_AT_ONCE)


def all_lines(execution: ActionExecution) -> Iterator[Line]:
    """Yield every line of an execution's log without holding it in memory."""
    pending: dict[int, list[Segment]] = {}
    for chunk in chunks_from(execution):
        for segment in _read(chunk):
            pending.setdefault(segment.number, []).append(segment)
            if segment.ends:
                yield _joined(pending.pop(segment.number))
    yield from (_joined(parts) for parts in pending.values())


def chunks_from(execution: ActionExecution, offset: int = 0) -> Iterator[LogChunk]:
    """Yield the chunks of an execution, from an offset on."""
    return chunks_of(
        execution.task_id,
        Q(execution=execution, offset__gte=offset),
        lambda chunk: chunk.execution_id == execution.pk and chunk.offset >= offset,
        order="offset",
    )


def _rests(execution: ActionExecution, found: Sequence[Segment], offset: int) -> list[Segment]:
    """Return what comes behind an offset of lines that have not ended before it."""
    open_lines = {part.number for part in found} - {part.number for part in found if part.ends}
    rests: list[Segment] = []
    if not open_lines:
        return rests
    for chunk in islice(chunks_from(execution, offset + 1), _MOST_INTERRUPTED):
        parts = [part for part in _read(chunk) if part.number in open_lines]
        rests += parts
        open_lines -= {part.number for part in parts if part.ends}
        if not open_lines:
            break
    return rests


def _segments(chunks: Iterable[LogChunk]) -> Iterator[Segment]:
    for chunk in chunks:
        yield from _read(chunk)


def _merge(segments: Iterator[Segment]) -> list[Line]:
    lines: dict[int, list[Segment]] = {}
    for segment in segments:
        lines.setdefault(segment.number, []).append(segment)
    return [_joined(lines[number]) for number in sorted(lines)]


def _joined(parts: list[Segment]) -> Line:
    first = parts[0]
    return Line(first.number, first.level, first.time_ms, "".join(part.text for part in parts))


def _read(chunk: LogChunk) -> list[Segment]:
    frames, _ = decode_frames(unpack_body(bytes(chunk.body)), chunk.offset)
    return read_frames(frames, LineState.from_json(chunk.start_state)).segments
