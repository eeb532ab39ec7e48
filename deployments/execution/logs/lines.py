"""Frames to numbered lines; pure, and resumable at every chunk by its start state.

A line gets its number when it begins. Lines of stdout and stderr may interleave: the state
keeps one open line, one level and one unfinished UTF-8 tail per stream.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.contracts.spool import RECORD, STDERR, STDOUT, Frame

_DEFAULT_LEVELS = {STDOUT: "info", STDERR: "error"}
_STREAM_NAMES = {"stdout": STDOUT, "stderr": STDERR}
NOTABLE_LEVELS = frozenset({"warning", "error", "fatal"})
LEVELS = NOTABLE_LEVELS | {"info", "verbose", "highlight", "wait", "ignore"}
# UTF-8: the smallest first byte of a character of so many bytes, and what a further byte is.
_LEADS = ((0xF0, 4), (0xE0, 3), (0xC0, 2))
_CONTINUATION = 0x80
_LONGEST_RECORD = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of line `number`; `begins` and `ends` say whether the line does so in it."""

    number: int
    level: str
    time_ms: int
    text: str
    begins: bool
    ends: bool


@dataclass
class LineState:
    """Where the numbering stands; JSON-able between chunks."""

    next_line: int = 1
    levels: dict[int, str] = field(default_factory=lambda: dict(_DEFAULT_LEVELS))
    open_lines: dict[int, int] = field(default_factory=dict)
    tails: dict[int, bytes] = field(default_factory=dict)
    record: bytes = b""

    def to_json(self) -> dict[str, Any]:
        return {
            "next_line": self.next_line,
            "levels": {str(stream): level for stream, level in self.levels.items()},
            "open": {str(stream): number for stream, number in self.open_lines.items()},
            "tails": {str(stream): tail.hex() for stream, tail in self.tails.items() if tail},
            "record": self.record.hex(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "LineState":
        if not document:
            return cls()
        return cls(
            next_line=document["next_line"],
            levels={int(key): value for key, value in document["levels"].items()},
            open_lines={int(key): value for key, value in document["open"].items()},
            tails={int(key): bytes.fromhex(value) for key, value in document["tails"].items()},
            record=bytes.fromhex(document["record"]),
        )


@dataclass
class Reading:
    """What a run of frames contained, in order."""

    segments: list[Segment] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)


def read_frames(frames: Iterable[Frame], state: LineState) -> Reading:
    """Number the lines of the frames and collect the records; advances `state`."""
    reading = Reading()
    for frame in frames:
        if frame.stream == RECORD:
            _read_record(frame, state, reading)
        else:
            _read_text(frame, state, reading)
    return reading


@dataclass
class Count:
    """What a run of frames means for its execution, without its text."""

    is_notable: bool = False
    records: list[dict[str, Any]] = field(default_factory=list)


def count_frames(frames: Iterable[Frame], state: LineState) -> Count:
    """Advance `state` exactly as `read_frames` does, at a small part of its cost."""
    count = Count()
    for frame in frames:
        if frame.stream == RECORD:
            reading = Reading()
            _read_record(frame, state, reading)
            count.records += reading.records
            count.is_notable = count.is_notable or bool(reading.segments)
        else:
            _count_text(frame, state, count)
    return count


def _count_text(frame: Frame, state: LineState, count: Count) -> None:
    stream = frame.stream
    data = state.tails.pop(stream, b"") + frame.payload
    whole, tail = _split_utf8(data)
    if tail:
        state.tails[stream] = tail
    if not whole:
        return
    count.is_notable = count.is_notable or state.levels.get(stream, "info") in NOTABLE_LEVELS
    ends, rests = whole.count(b"\n"), not whole.endswith(b"\n")
    # The first end is that of the open line, which has its number.
    begun = ends + rests - (stream in state.open_lines)
    state.next_line += begun
    if not rests:
        state.open_lines.pop(stream, None)
    elif begun:
        state.open_lines[stream] = state.next_line - 1


def _read_record(frame: Frame, state: LineState, reading: Reading) -> None:
    state.record += frame.payload
    try:
        record = json.loads(state.record)
    except ValueError:
        # The rest of a record that was cut by a resume follows in the next frame.
        if len(state.record) > _LONGEST_RECORD:
            state.record = b""
        return
    state.record = b""
    if not isinstance(record, dict):
        return
    if record.get("t") == "level":
        stream = _STREAM_NAMES.get(str(record.get("stream")), STDOUT)
        level = str(record.get("level"))
        state.levels[stream] = level if level in LEVELS else _DEFAULT_LEVELS[stream]
    elif record.get("t") == "warning":
        number, state.next_line = state.next_line, state.next_line + 1
        text = str(record.get("message", ""))
        reading.segments.append(Segment(number, "warning", frame.time_ms, text, True, True))
    reading.records.append(record)


def _read_text(frame: Frame, state: LineState, reading: Reading) -> None:
    stream = frame.stream
    data = state.tails.pop(stream, b"") + frame.payload
    whole, tail = _split_utf8(data)
    if tail:
        state.tails[stream] = tail
    level = state.levels.get(stream, "info")
    *lines, rest = whole.decode("utf-8", errors="replace").split("\n")
    for line in lines:
        _add_piece(line + "\n", stream, level, frame.time_ms, state, reading)
    if rest:
        _add_piece(rest, stream, level, frame.time_ms, state, reading)


def _split_utf8(data: bytes) -> tuple[bytes, bytes]:
    """Split off up to three bytes that may be the beginning of a character."""
    for length in range(1, min(4, len(data) + 1)):
        lead = data[-length]
        if lead & 0xC0 == _CONTINUATION:
            continue
        needed = next((size for first, size in _LEADS if lead >= first), 1)
        return (data[:-length], data[-length:]) if needed > length else (data, b"")
    return data, b""


def _add_piece(
    piece: str, stream: int, level: str, time_ms: int, state: LineState, reading: Reading
) -> None:
    number = state.open_lines.get(stream)
    begins = number is None
    if number is None:
        number, state.next_line = state.next_line, state.next_line + 1
    ends = piece.endswith("\n")
    if ends:
        state.open_lines.pop(stream, None)
    else:
        state.open_lines[stream] = number
    text = piece.rstrip("\r\n") if ends else piece
    reading.segments.append(Segment(number, level, time_ms, text, begins, ends))
