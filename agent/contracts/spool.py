"""The spool of one command: frames of masked output and records, appended by the runner.

The last frame, of a stream of its own, is the exit record; it is no part of the log.
"""

import errno
import hashlib
import json
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

STDOUT = 1
STDERR = 2
RECORD = 3
STREAMS = (STDOUT, STDERR, RECORD)
_END = 4
MAX_PAYLOAD = 64 * 1024
HEADER = struct.Struct(">BQI")


class SpoolDamaged(ValueError):
    """A frame header that no writer can have written."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of a stream; `offset` counts payload bytes of all streams in file order.

    `whole` is false when the beginning was cut off because a reader started inside the frame.
    """

    stream: int
    time_ms: int
    offset: int
    payload: bytes
    whole: bool = True

    @property
    def end(self) -> int:
        return self.offset + len(self.payload)


def encode_frame(stream: int, time_ms: int, payload: bytes) -> bytes:
    """Return the bytes of one frame; raise ValueError for a bad stream or size."""
    if stream not in STREAMS:
        raise ValueError(f"unknown stream {stream}")
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"a payload has 1 to {MAX_PAYLOAD} bytes, not {len(payload)}")
    return HEADER.pack(stream, time_ms, len(payload)) + payload


def decode_frames(data: bytes, offset: int = 0) -> tuple[list[Frame], int]:
    """Return the whole frames at the start of `data` and how many bytes they take.

    `offset` is the log offset of the first frame. An exit record ends the frames and is not taken.
    Raise SpoolDamaged for an impossible header.
    """
    frames: list[Frame] = []
    position = 0
    while len(data) - position >= HEADER.size:
        stream, time_ms, length = HEADER.unpack_from(data, position)
        if stream == _END:
            break
        if stream not in STREAMS or not 0 < length <= MAX_PAYLOAD:
            raise SpoolDamaged(f"bad frame header at log offset {offset}")
        end = position + HEADER.size + length
        if end > len(data):
            break
        frames.append(Frame(stream, time_ms, offset, data[position + HEADER.size : end]))
        offset += length
        position = end
    return frames, position


class SpoolWriter:
    """Append frames to a new spool file and keep the running byte count and hash."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self._hash = hashlib.sha256()
        self.total = 0

    def write(self, stream: int, payload: bytes | memoryview, time_ms: int | None = None) -> None:
        """Append `payload` as one or more frames; raise OSError when the disk is full."""
        if time_ms is None:
            time_ms = time.time_ns() // 1_000_000
        view = memoryview(payload)
        for start in range(0, len(view), MAX_PAYLOAD):
            piece = view[start : start + MAX_PAYLOAD]
            self._append(HEADER.pack(stream, time_ms, len(piece)), piece)
            self._hash.update(piece)
            self.total += len(piece)

    def _append(self, header: bytes, piece: memoryview) -> None:
        before = os.fstat(self._descriptor).st_size
        written = 0
        expected = len(header) + len(piece)
        try:
            written = os.writev(self._descriptor, (header, piece))
            rest = header + bytes(piece) if written < expected else b""
            while written < expected:
                written += os.write(self._descriptor, rest[written:])
        except OSError:
            os.ftruncate(self._descriptor, before)
            raise

    def end(self, record: dict[str, Any]) -> None:
        """Append the exit record and force all to the disk; raise OSError if that fails."""
        payload = json.dumps(record).encode()
        if len(payload) > MAX_PAYLOAD:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        time_ms = time.time_ns() // 1_000_000
        self._append(HEADER.pack(_END, time_ms, len(payload)), memoryview(payload))
        os.fdatasync(self._descriptor)

    def sync(self) -> None:
        """Force the file to the disk."""
        os.fdatasync(self._descriptor)

    @property
    def sha256(self) -> str:
        """Hex SHA-256 of all payload bytes so far."""
        return self._hash.hexdigest()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class SpoolReader:
    """Follow a spool file from a log offset, also while it grows.

    A torn last frame is not returned; it is read again when the writer has completed it.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self._descriptor = -1
        self._position = 0
        self._wanted = offset
        self.offset = 0

    def read(self, limit: int = 1024 * 1024) -> list[Frame]:
        """Return the next whole frames, about `limit` bytes of file at most; [] at the end.

        The first frame is cut when the starting offset lies inside it. A file that does not
        exist yet reads as empty. Raise SpoolDamaged for an impossible header.
        """
        while True:
            data = self._pread(max(limit, HEADER.size + MAX_PAYLOAD))
            frames, used = decode_frames(data, self.offset)
            if not frames:
                return []
            self._position += used
            self.offset = frames[-1].end
            wanted = [self._cut(frame) for frame in frames if frame.end > self._wanted]
            if wanted:
                return wanted

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames that are there now."""
        while frames := self.read():
            yield from frames

    def exit_record(self) -> dict[str, Any] | None:
        """Return the exit record if it is what follows; None when there is none, or half of it."""
        data = self._pread(HEADER.size + MAX_PAYLOAD)
        if len(data) < HEADER.size:
            return None
        stream, _, length = HEADER.unpack_from(data)
        payload = data[HEADER.size : HEADER.size + length]
        if stream != _END or len(payload) < length:
            return None
        try:
            record = json.loads(payload)
        except ValueError:
            return None
        return record if isinstance(record, dict) else None

    def _cut(self, frame: Frame) -> Frame:
        skip = self._wanted - frame.offset
        if skip <= 0:
            return frame
        rest = frame.payload[skip:]
        return Frame(frame.stream, frame.time_ms, frame.offset + skip, rest, whole=False)

    def _pread(self, size: int) -> bytes:
        if self._descriptor < 0:
            try:
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return b""
        return os.pread(self._descriptor, size, self._position)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
