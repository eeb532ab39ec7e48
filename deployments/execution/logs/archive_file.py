"""The file of an archived log: compressed blocks of chunk bodies, then an index of the chunks.

Blocks are zlib streams of about 1 MiB, so that reading a page of lines opens one or two of them.
The index is a zlib stream of JSON; the last 16 bytes are its length and a mark. Pure.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Final

_BLOCK: Final = 1024 * 1024
_LEVEL: Final = 6
_MARK: Final = b"octolog1"
_TAIL: Final = 8 + len(_MARK)

# Told a start and a length, returns exactly these bytes.
Read = Callable[[int, int], bytes]


class BrokenArchive(Exception):
    """The bytes are not those of an archived log."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One chunk: the columns of its row, and where its body is in which block.

    `block_start` and `block_length` are those of the compressed block in the file, `start` and
    `length` those of the body in what the block holds.
    """

    execution_id: int | None
    offset: int
    raw_length: int
    first_line: int
    line_count: int
    event_number: int
    start_state: dict[str, Any]
    received: str
    block_start: int = 0
    block_length: int = 0
    start: int = 0
    length: int = 0


@dataclass
class ArchiveWriter:
    """Writes chunks, one after the other, and the index at the end."""

    file: IO[bytes]
    _entries: list[dict[str, Any]] = field(default_factory=list)
    _block: bytearray = field(default_factory=bytearray)
    _waiting: list[dict[str, Any]] = field(default_factory=list)
    _place: int = 0

    def add(self, entry: Entry, body: bytes) -> None:
        """Append a chunk."""
        self._waiting.append({**asdict(entry), "start": len(self._block), "length": len(body)})
        self._block += body
        if len(self._block) >= _BLOCK:
            self._close_block()

    def finish(self) -> None:
        """Write what is left and the index."""
        self._close_block()
        index = zlib.compress(json.dumps(self._entries).encode(), _LEVEL)
        self.file.write(index)
        self.file.write(len(index).to_bytes(8, "big") + _MARK)

    def _close_block(self) -> None:
        if not self._waiting:
            return
        packed = zlib.compress(bytes(self._block), _LEVEL)
        self.file.write(packed)
        for entry in self._waiting:
            entry.update(block_start=self._place, block_length=len(packed))
        self._entries += self._waiting
        self._place += len(packed)
        self._waiting = []
        self._block = bytearray()


class ArchiveReader:
    """Reads chunks out of an archived log of `size` bytes; keeps the last block it opened."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self._opened: tuple[int, bytes] = (-1, b"")
        self.entries: Sequence[Entry] = self._read_index(size)

    def body(self, entry: Entry) -> bytes:
        """Return the body of a chunk. Raises BrokenArchive."""
        if self._opened[0] != entry.block_start:
            packed = self._read(entry.block_start, entry.block_length)
            self._opened = entry.block_start, _unpack(packed)
        return self._opened[1][entry.start : entry.start + entry.length]

    def _read_index(self, size: int) -> list[Entry]:
        if size < _TAIL:
            raise BrokenArchive
        tail = self._read(size - _TAIL, _TAIL)
        length = int.from_bytes(tail[:8], "big")
        if tail[8:] != _MARK or length > size - _TAIL:
            raise BrokenArchive
        index = _unpack(self._read(size - _TAIL - length, length))
        try:
            return [Entry(**entry) for entry in json.loads(index)]
        except (ValueError, TypeError) as error:
            raise BrokenArchive from error


def write_archive(file: IO[bytes], chunks: Iterable[tuple[Entry, bytes]]) -> int:
    """Write all chunks; return how many there were."""
    writer = ArchiveWriter(file)
    count = 0
    for entry, body in chunks:
        writer.add(entry, body)
        count += 1
    writer.finish()
    return count


def _unpack(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed)
    except zlib.error as error:
        raise BrokenArchive from error
