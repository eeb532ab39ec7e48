"""The file format of patches (docs/protocol.md, section 8): frames of a plan and a payload.

A plan lists, as compressed JSON, what precedes the payload as its prefix and which operations
make the next bytes of the new archive. All numbers are bounded before anything is allocated.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

MAGIC: Final = b"OCTOPATCH\x01\r\n"
# Compression of the payload: zstd with the prefix as its dictionary, or zlib without one.
ZSTD: Final = b"zstd"
ZLIB: Final = b"zlib"

MIB: Final = 1024 * 1024
# What a frame needs of memory: prefix, payload and the window over both.
MAX_PREFIX: Final = 64 * MIB
MAX_PAYLOAD: Final = 64 * MIB
WINDOW_LOG: Final = 27
MAX_PLAN: Final = 16 * MIB
MAX_PACKED: Final = MAX_PAYLOAD + MIB
MAX_SIZE: Final = 1 << 40

# Those of zlib, and 10 more than those of the program gzip.
LEVELS: Final = (*range(1, 10), *range(11, 20))

_FRAME: Final = struct.Struct(">4sIIQ")
_RAW: Final = -1


class BrokenPatch(Exception):
    """The patch cannot be read, or does not fit the old archive; nothing of the result counts."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of the old archive; with a `size`, so many that a deflate stream unpacks to.

    The first `skip` of what it unpacks to are left out.
    """

    offset: int
    length: int
    size: int | None = None
    skip: int = 0

    @property
    def unpacked(self) -> int:
        return self.length if self.size is None else self.size


@dataclass(frozen=True, slots=True)
class Copy:
    """Take bytes of the old archive as they are."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Data:
    """Take bytes of the payload; with a `level`, deflate them by zlib, or gzip, at that level.

    `more` of the same deflate stream comes with the next step.
    """

    length: int
    level: int | None = None
    more: bool = False


@dataclass(slots=True)
class Plan:
    """One frame without its payload."""

    prefix: list[Piece] = field(default_factory=list)
    steps: list[Copy | Data] = field(default_factory=list)

    @property
    def prefix_size(self) -> int:
        return sum(piece.unpacked for piece in self.prefix)

    @property
    def payload_size(self) -> int:
        return sum(step.length for step in self.steps if isinstance(step, Data))


def write_frame(file: BinaryIO, plan: Plan, compression: bytes, packed: bytes) -> None:
    """Append a frame; `packed` is its payload as it was compressed."""
    text = _encode(plan)
    file.write(_FRAME.pack(compression, len(text), plan.payload_size, len(packed)))
    file.write(text)
    file.write(packed)


def read_frames(file: BinaryIO) -> Iterator[tuple[bytes, Plan, int]]:
    """Yield compression, plan and packed length; the caller reads the payload from the file."""
    if file.read(len(MAGIC)) != MAGIC:
        raise BrokenPatch("it does not begin like a patch")
    while head := file.read(_FRAME.size):
        if len(head) < _FRAME.size:
            raise BrokenPatch("it ends too early")
        compression, plan_length, payload_size, packed_length = _FRAME.unpack(head)
        if compression not in {ZSTD, ZLIB} or plan_length > MAX_PLAN or packed_length > MAX_PACKED:
            raise BrokenPatch("a frame is out of bounds")
        text = file.read(plan_length)
        if len(text) < plan_length:
            raise BrokenPatch("it ends too early")
        plan = _decode(text)
        if plan.payload_size != payload_size or payload_size > MAX_PAYLOAD:
            raise BrokenPatch("a payload is out of bounds")
        if plan.prefix_size > MAX_PREFIX:
            raise BrokenPatch("a prefix is out of bounds")
        yield compression, plan, packed_length


def _encode(plan: Plan) -> bytes:
    """Write numbers in columns, places relative to what came before: that packs best."""
    prefix, kinds, lengths, offsets, levels = [], [], [], [], []
    end = 0
    for piece in plan.prefix:
        size = _RAW if piece.size is None else piece.size
        prefix += [piece.offset, piece.length, size, piece.skip]
    for step in plan.steps:
        lengths.append(step.length)
        if isinstance(step, Copy):
            kinds.append("c")
            offsets.append(step.offset - end)
            end = step.offset + step.length
        elif step.level is None:
            kinds.append("d")
        else:
            kinds.append("y" if step.more else "z")
            levels.append(step.level)
    columns = {"p": prefix, "k": "".join(kinds), "n": lengths, "o": offsets, "l": levels}
    return zlib.compress(json.dumps(columns, separators=(",", ":")).encode(), 9)


def _decode(text: bytes) -> Plan:
    try:
        unpacker = zlib.decompressobj()
        columns = json.loads(unpacker.decompress(text, MAX_PLAN))
        if not unpacker.eof:
            raise BrokenPatch("a plan is out of bounds")
        plan = Plan(prefix=list(_pieces(columns["p"])))
        lengths, offsets = iter(columns["n"]), iter(columns["o"])
        levels, end = iter(columns["l"]), 0
        for kind in columns["k"]:
            length = _number(next(lengths))
            if kind == "c":
                start = _number(end + next(offsets))
                plan.steps.append(Copy(start, length))
                end = start + length
            elif kind == "d":
                plan.steps.append(Data(length))
            elif kind in "yz":
                plan.steps.append(Data(length, _level(next(levels)), kind == "y"))
            else:
                raise BrokenPatch("a step is not known")
    except (ValueError, TypeError, KeyError, StopIteration, zlib.error) as problem:
        raise BrokenPatch("a plan cannot be read") from problem
    return plan


def _pieces(numbers: list[int]) -> Iterator[Piece]:
    columns = (numbers[place::4] for place in range(4))
    for offset, length, size, skip in zip(*columns, strict=True):
        found = None if size == _RAW else _number(size)
        yield Piece(_number(offset), _number(length), found, _number(skip))


def _number(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value <= MAX_SIZE:
        raise BrokenPatch("a number is out of bounds")
    return value


def _level(value: int) -> int:
    if value not in LEVELS:
        raise BrokenPatch("a level of compression is not known")
    return value
