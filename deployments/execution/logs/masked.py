"""The second masking: output as agents sent it becomes what is stored; pure.

Agents mask before they spool. This repeats it with what the server knows, over each run of frames
of one stream, so that a secret that was cut into frames is found as well.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.contracts.masking import Secrets, mask_part
from agent.contracts.spool import RECORD, Frame

# What scripts write freely into records; all else is words of the agent's own or sealed.
_FREE_FIELDS = ("message", "name", "path", "value")


@dataclass(frozen=True, slots=True)
class Piece:
    """What is stored of a frame: `raw_length` counts the bytes as the agent spooled them."""

    stream: int
    time_ms: int
    raw_length: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Masked:
    """Pieces to store, and frames held back because a secret may begin there.

    The first `covered` bytes of what is held back belong to a secret that has been masked.
    """

    pieces: Sequence[Piece]
    held: Sequence[Frame] = ()
    covered: int = 0


def mask_frames(
    frames: Sequence[Frame], secrets: Secrets | None, *, covered: int = 0, is_final: bool = True
) -> Masked:
    """Mask frames that follow on each other; without secrets at hand (None) no text is stored.

    Only a beginning at the very end is held back, and nothing when the log is complete.
    """
    pieces: list[Piece] = []
    runs = list(_runs(frames))
    for number, run in enumerate(runs, start=1):
        is_last = number == len(runs)
        masked = _mask_run(run, secrets, covered, keeps=is_last and not is_final)
        pieces += masked.pieces
        if is_last:
            return Masked(pieces, masked.held, masked.covered)
        covered = 0
    return Masked(pieces)


def _runs(frames: Sequence[Frame]) -> Iterator[list[Frame]]:
    run: list[Frame] = []
    for frame in frames:
        if run and (frame.stream != run[-1].stream or frame.stream == RECORD):
            yield run
            run = []
        run.append(frame)
    if run:
        yield run


def _mask_run(run: list[Frame], secrets: Secrets | None, covered: int, *, keeps: bool) -> Masked:
    if secrets is None:
        return Masked([Piece(f.stream, f.time_ms, len(f.payload), b"") for f in run])
    if run[0].stream == RECORD:
        frame = run[0]
        payload = _mask_record(frame.payload, secrets)
        return Masked([Piece(RECORD, frame.time_ms, len(frame.payload), payload)])
    data = run[0].payload if len(run) == 1 else b"".join(frame.payload for frame in run)
    spans = secrets.spans(data, covered)
    cut = secrets.safe_end(data) if keeps else len(data)
    if not spans and cut == len(data):
        return Masked([Piece(f.stream, f.time_ms, len(f.payload), f.payload) for f in run])
    return _cut_run(run, data, spans, cut, is_covered=covered > 0)


def _cut_run(
    run: list[Frame], data: bytes, spans: list[tuple[int, int]], cut: int, *, is_covered: bool
) -> Masked:
    pieces: list[Piece] = []
    held: list[Frame] = []
    begin = 0
    _, reaches = mask_part(data, 0, cut, spans, is_covered=is_covered)
    for frame in run:
        end = begin + len(frame.payload)
        if begin < cut:
            stop = min(end, cut)
            shown, _ = mask_part(data, begin, stop, spans, is_covered=is_covered)
            pieces.append(Piece(frame.stream, frame.time_ms, stop - begin, shown))
        if end > cut:
            skip = max(0, cut - begin)
            rest = frame.payload[skip:]
            held.append(Frame(frame.stream, frame.time_ms, frame.offset + skip, rest, whole=False))
        begin = end
    return Masked(pieces, held, reaches)


def _mask_record(payload: bytes, secrets: Secrets) -> bytes:
    if not secrets.spans(payload):
        return payload
    try:
        record = json.loads(payload)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        # Half a record: what it says is lost, which is better than shown.
        return mask_part(payload, 0, len(payload), secrets.spans(payload))[0]
    for name in _FREE_FIELDS:
        if isinstance(record.get(name), str):
            record[name] = secrets.mask(record[name])
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
