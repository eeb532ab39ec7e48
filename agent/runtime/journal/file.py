"""Records in a file: length, CRC-32, JSON; a torn tail is cut off when the file is opened.

Zeros are written ahead of the records and forced to the disk once, so that forcing a record writes
its bytes alone and not the file's length as well.
"""

import contextlib
import errno
import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from agent import failpoints
from agent.runtime.config import sync_folder

_HEADER = struct.Struct(">II")
_MAX_RECORD = 1024 * 1024
_AHEAD = 64 * 1024

Record = dict[str, Any]


def encode_record(record: Record) -> bytes:
    """Write one record with its length and checksum."""
    body = json.dumps(record, separators=(",", ":")).encode()
    return _HEADER.pack(len(body), zlib.crc32(body)) + body


def decode_records(data: bytes) -> Iterator[tuple[Record, int]]:
    """Yield each whole record and the position after it, until the end or the first damage."""
    position = 0
    while position + _HEADER.size <= len(data):
        length, crc = _HEADER.unpack_from(data, position)
        start = position + _HEADER.size
        body = data[start : start + length]
        if not 0 < length <= _MAX_RECORD or len(body) < length or zlib.crc32(body) != crc:
            return
        position = start + length
        yield json.loads(body), position


class JournalFile:
    """An open journal file; only one process may hold it (the daemon's instance lock)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A rewrite that did not reach its rename left nothing of value.
        path.with_name(path.name + ".new").unlink(missing_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        sync_folder(path.parent)
        self.records: list[Record] = []
        self._length = self._recover()
        self._room = self._length

    def append(self, record: Record, *, sync: bool = True) -> None:
        """Add a record, by default forced to the disk; OSError leaves the file as it was."""
        data = encode_record(record)
        try:
            if self._length + len(data) > self._room:
                self._make_room(len(data))
            _write_all(self._descriptor, data, self._length)
            if sync:
                os.fdatasync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._length)
            self._room = self._length
            raise
        self._length += len(data)

    def force(self) -> None:
        """Force to the disk what was appended without it; raise OSError."""
        os.fdatasync(self._descriptor)

    def rewrite(self, records: Iterable[Record]) -> None:
        """Replace the whole content in one step; OSError leaves the file as it was."""
        temporary = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            length = 0
            for record in records:
                length += _write_all(descriptor, encode_record(record), length)
            os.fsync(descriptor)
            failpoints.hit("compact")
            temporary.replace(self._path)
        except OSError:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(self._path.parent)
        os.close(self._descriptor)
        self._descriptor = descriptor
        self._length = self._room = length

    def close(self) -> None:
        """Close the file, without the zeros."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, self._length)
        os.close(self._descriptor)

    def _make_room(self, size: int) -> None:
        room = self._length + size + _AHEAD
        _write_all(self._descriptor, bytes(room - self._length), self._length)
        os.fdatasync(self._descriptor)
        self._room = room

    def _recover(self) -> int:
        size = os.fstat(self._descriptor).st_size
        data = os.pread(self._descriptor, size, 0)
        good = 0
        for record, end in decode_records(data):
            self.records.append(record)
            good = end
        if good < size:
            os.ftruncate(self._descriptor, good)
            os.fdatasync(self._descriptor)
        return good


def _write_all(descriptor: int, data: bytes, position: int) -> int:
    written = 0
    while written < len(data):
        count = os.pwrite(descriptor, data[written:], position + written)
        if not count:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written += count
    return written
