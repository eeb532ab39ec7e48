"""Storing log bytes: many executions in one transaction, each exactly at its own length."""

import json
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from django.db import IntegrityError, transaction

from agent.contracts.masking import Secrets
from agent.contracts.spool import MAX_PAYLOAD, RECORD, STDOUT, Frame, encode_frame
from deployments.base.clock import Clock, utc_now
from deployments.base.rows import increase, insert_rows, update_rows
from deployments.base.wake import publish
from deployments.execution.logs.bodies import pack_body
from deployments.execution.logs.lines import LineState, count_frames
from deployments.execution.logs.masked import Piece, mask_frames
from deployments.execution.models import ActionExecution, LogChunk
from deployments.server_tasks.models import ServerTask

LARGEST_CHUNK = 64 * 1024
# The key of `log_state` that counts the bytes behind the log's end that are part of a secret.
_COVERED = "covered"
_NOTHING_SECRET = Secrets()


@dataclass(frozen=True)
class Appended:
    """What became of the output of one execution: its durable length, and the records in it.

    `held` follows on the durable part and waits for what comes next: a secret may begin there.
    """

    length: int
    records: Sequence[dict[str, Any]] = ()
    held: Sequence[Frame] = ()


@dataclass
class _Work:
    execution: ActionExecution
    pieces: Sequence[Piece]
    held: Sequence[Frame] = ()
    covered: int = 0
    chunks: list[LogChunk] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)


def task_channel(task_pk: int) -> str:
    """Return the Redis channel on which a task's viewers are woken."""
    return f"octopus:task:{task_pk}"


NO_SECRETS: Mapping[int, Secrets | None] = MappingProxyType({})


def append_output(
    output: Mapping[int, Sequence[Frame]],
    *,
    secrets: Mapping[int, Secrets | None] = NO_SECRETS,
    complete: Collection[int] = (),
    clock: Clock = utc_now,
) -> dict[int, Appended]:
    """Append frames to executions (by primary key) in one transaction, masked by their secrets.

    Frames that do not begin at an execution's own length are dropped or cut; the answer's
    `length` says what is durable now. Nothing is held back of logs that are `complete`; of an
    execution whose secrets are None the bytes are counted and no text is kept. Safe against
    another gateway doing the same: the offset is unique, and the loser gets the true length.
    """
    try:
        with transaction.atomic():
            return _append(output, clock, secrets, complete)
    except IntegrityError:
        lengths = _executions(output)
        return {pk: Appended(execution.log_length) for pk, execution in lengths.items()}


def write_lines(
    task: ServerTask,
    execution: ActionExecution | None,
    lines: Sequence[tuple[str, str]],
    *,
    clock: Clock = utc_now,
) -> None:
    """Append lines (level, text) that the server itself says; joins the caller's transaction."""
    time_ms = time.time_ns() // 1_000_000
    with transaction.atomic():
        if execution is None:
            _append_to_task(task, lines, time_ms, clock)
            return
        current = _executions([execution.pk])[execution.pk]
        frames, offset = [], current.log_length
        for level, text in lines:
            for stream, payload in _line_payloads(level, text):
                frames.append(Frame(stream, time_ms, offset, payload))
                offset += len(payload)
        _append({execution.pk: frames}, clock)


def write_warning(execution_pk: int, text: str) -> None:
    """Append a warning of the server's own to an execution's log."""
    rows = ActionExecution.objects.unscoped(reason="append to logs").select_related("task")
    execution = rows.get(pk=execution_pk)
    write_lines(execution.task, execution, [("warning", text)])


def _append(
    output: Mapping[int, Sequence[Frame]],
    clock: Clock,
    secrets: Mapping[int, Secrets | None] = NO_SECRETS,
    complete: Collection[int] = (),
) -> dict[int, Appended]:
    executions = _executions(output)
    work = [
        _masked(execution, output[pk], secrets.get(pk, _NOTHING_SECRET), is_final=pk in complete)
        for pk, execution in executions.items()
    ]
    wanted: dict[int, int] = defaultdict(int)
    for item in work:
        _make_chunks(item, clock)
        wanted[item.execution.task_id] += len(item.chunks)
    # In one order everywhere, so that two gateways never wait for each other.
    numbers = {
        task_pk: _reserve_events(task_pk, count) for task_pk, count in sorted(wanted.items())
    }
    for item in work:
        for chunk in item.chunks:
            chunk.event_number = numbers[chunk.task_id]
            numbers[chunk.task_id] += 1
    insert_rows([chunk for item in work for chunk in item.chunks])
    changed = [item.execution for item in work if item.chunks]
    if changed:
        with_log = ["log_length", "line_count", "log_state", "has_warnings"]
        update_rows(changed, with_log)
    for task_pk, count in wanted.items():
        if count:
            publish(task_channel(task_pk), "log")
    return {
        item.execution.pk: Appended(item.execution.log_length, tuple(item.records), item.held)
        for item in work
    }


def _masked(
    execution: ActionExecution, frames: Sequence[Frame], secrets: Secrets | None, *, is_final: bool
) -> _Work:
    covered = int(execution.log_state.get(_COVERED, 0))
    following = _following(frames, execution.log_length)
    masked = mask_frames(following, secrets, covered=covered, is_final=is_final)
    return _Work(execution, masked.pieces, masked.held, masked.covered)


def _executions(pks: Any) -> dict[int, ActionExecution]:
    rows = ActionExecution.objects.unscoped(reason="append to logs").filter(pk__in=list(pks))
    return {row.pk: row for row in rows}


def _following(frames: Sequence[Frame], length: int) -> list[Frame]:
    """Return what follows exactly on `length`: overlap is cut, everything behind a gap dropped."""
    result: list[Frame] = []
    for frame in frames:
        end = frame.offset + len(frame.payload)
        if frame.offset > length:
            break
        if end <= length:
            continue
        result.append(
            Frame(frame.stream, frame.time_ms, length, frame.payload[length - frame.offset :])
        )
        length = end
    return result


def _make_chunks(item: _Work, clock: Clock) -> None:
    execution = item.execution
    if not item.pieces:
        return
    state = LineState.from_json(execution.log_state)
    for batch in _batches(item.pieces):
        size = sum(piece.raw_length for piece in batch)
        frames = [frame for piece in batch for frame in _frames_of(piece)]
        start = state.to_json()
        first_line = state.next_line
        count = count_frames(frames, state)
        item.records.extend(count.records)
        execution.has_warnings = execution.has_warnings or count.is_notable
        item.chunks.append(
            LogChunk(
                space_id=execution.space_id,
                task_id=execution.task_id,
                execution=execution,
                offset=execution.log_length,
                raw_length=size,
                first_line=first_line,
                line_count=state.next_line - first_line,
                start_state=start,
                received=clock(),
                body=pack_body(
                    b"".join(encode_frame(f.stream, f.time_ms, f.payload) for f in frames)
                ),
            )
        )
        execution.log_length += size
    execution.line_count = state.next_line - 1
    execution.log_state = state.to_json()
    if item.covered:
        execution.log_state[_COVERED] = item.covered


def _batches(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    size = 0
    for piece in pieces:
        length = max(piece.raw_length, len(piece.payload))
        if batch and size + length > LARGEST_CHUNK:
            yield batch
            batch, size = [], 0
        batch.append(piece)
        size += length
    if batch:
        yield batch


def _frames_of(piece: Piece) -> Iterator[Frame]:
    """Yield what is stored of a piece; a mask may be longer than what it hides."""
    for start in range(0, len(piece.payload), MAX_PAYLOAD):
        part = piece.payload[start : start + MAX_PAYLOAD]
        yield Frame(piece.stream, piece.time_ms, start, part)


def _reserve_events(task_pk: int, count: int) -> int:
    """Return the first of `count` event numbers; the row is locked until the commit."""
    if not count:
        return 0
    return increase(ServerTask, task_pk, "last_event_number", count) - count + 1


def _append_to_task(
    task: ServerTask, lines: Sequence[tuple[str, str]], time_ms: int, clock: Clock
) -> None:
    first = _reserve_events(task.pk, len(lines))
    chunks = []
    for number, (level, text) in enumerate(lines, start=first):
        payloads = _line_payloads(level, text)
        state = LineState(next_line=number)
        chunks.append(
            LogChunk(
                space_id=task.space_id,
                task_id=task.pk,
                offset=number,
                raw_length=sum(len(payload) for _, payload in payloads),
                first_line=number,
                line_count=1,
                event_number=number,
                start_state=state.to_json(),
                received=clock(),
                body=b"".join(encode_frame(stream, time_ms, data) for stream, data in payloads),
            )
        )
    insert_rows(chunks)
    publish(task_channel(task.pk), "log")


def _line_payloads(level: str, text: str) -> list[tuple[int, bytes]]:
    switch = json.dumps({"t": "level", "stream": "stdout", "level": level}).encode()
    body = text.replace("\n", " ").encode()[: LARGEST_CHUNK - 1] + b"\n"
    return [(RECORD, switch), (STDOUT, body)]
