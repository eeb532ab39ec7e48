"""Apply a patch: read the old archive, write the new one, in bounded memory."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Protocol

from agent.patches.deflating import Deflater, deflater
from agent.patches.format import ZLIB, BrokenPatch, Copy, Data, Plan, read_frames
from agent.patches.gzip_program import GzipProgram

_BLOCK: Final = 256 * 1024


class Reader(Protocol):
    """Gives a payload piece by piece; b"" at its end."""

    def read(self, size: int) -> bytes: ...


OpenZstd = Callable[[BinaryIO, int, bytes], Reader]
"""Takes the patch, the packed length that follows in it, and the prefix."""


def apply_patch(
    patch: BinaryIO,
    old: BinaryIO,
    new: BinaryIO,
    *,
    size: int,
    zstd: OpenZstd | None = None,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Write the new archive of `size` bytes and return its SHA-256, which the caller compares.

    `check` is called often and may raise to stop. Raises BrokenPatch, or OSError of the files.
    """
    writer = _Writer(new, size, check)
    try:
        for compression, plan, packed_length in read_frames(patch):
            end = patch.tell() + packed_length
            payload: Reader
            if compression == ZLIB:
                payload = _Inflated(patch, packed_length, zlib.MAX_WBITS)
            elif zstd is not None:
                payload = zstd(patch, packed_length, _prefix_of(old, plan, check))
            else:
                raise BrokenPatch("it needs zstd")
            for step in plan.steps:
                _take(step, old, payload, writer)
            if payload.read(1):
                raise BrokenPatch("a payload is longer than its plan")
            patch.seek(end)
        return writer.finish()
    finally:
        writer.close()


def _take(step: Copy | Data, old: BinaryIO, payload: Reader, writer: "_Writer") -> None:
    """Write what one step gives."""
    if isinstance(step, Copy):
        old.seek(step.offset)
        for block in _exactly(old, step.length):
            writer.write(block)
    elif step.level is None:
        for block in _exactly(payload, step.length):
            writer.write(block)
    else:
        work = writer.deflating(step.level)
        for block in _exactly(payload, step.length):
            writer.write(work.compress(block))
        if not step.more:
            writer.end_entry()


def _prefix_of(old: BinaryIO, plan: Plan, check: Callable[[], None]) -> bytes:
    parts: list[bytes] = []
    for piece in plan.prefix:
        old.seek(piece.offset)
        if piece.size is None:
            parts += _exactly(old, piece.length)
        else:
            unpacked = _Inflated(old, piece.length, -zlib.MAX_WBITS)
            for _ in _exactly(unpacked, piece.skip):
                check()
            parts += _exactly(unpacked, piece.size)
    return b"".join(parts)


def _exactly(source: Reader, length: int) -> Iterator[bytes]:
    while length:
        block = source.read(min(length, _BLOCK))
        if not block:
            raise BrokenPatch("the old archive or a payload ends too early")
        length -= len(block)
        yield block


class _Inflated:
    """What zlib packed into the next `length` bytes of a file."""

    def __init__(self, file: BinaryIO, length: int, window: int) -> None:
        self._file = file
        self._left = length
        self._work = zlib.decompressobj(window)

    def read(self, size: int) -> bytes:
        while not self._work.eof:
            packed = self._work.unconsumed_tail
            if not packed:
                packed = self._file.read(min(self._left, _BLOCK))
                self._left -= len(packed)
            try:
                block = self._work.decompress(packed, size)
            except zlib.error as problem:
                raise BrokenPatch(f"packed bytes are damaged: {problem}") from problem
            if block or not packed:
                return block
        return b""


class _Writer:
    """Writes the new archive; an entry may be deflated over several steps."""

    def __init__(self, file: BinaryIO, size: int, check: Callable[[], None]) -> None:
        self._file = file
        self._left = size
        self._check = check
        self._digest = hashlib.sha256()
        self._deflater: Deflater | None = None

    def deflating(self, level: int) -> Deflater:
        """Return what deflates the entry that is written, which the next step may go on with."""
        if self._deflater is None:
            self._deflater = deflater(level)
        return self._deflater

    def end_entry(self) -> None:
        if self._deflater is not None:
            self.write(self._deflater.flush())
            self._deflater = None

    def close(self) -> None:
        """End the program of an entry that was not finished."""
        if isinstance(self._deflater, GzipProgram):
            self._deflater.close()

    def write(self, block: bytes) -> None:
        self._check()
        self._left -= len(block)
        if self._left < 0:
            raise BrokenPatch("it makes more bytes than the new archive has")
        self._digest.update(block)
        self._file.write(block)

    def finish(self) -> str:
        if self._deflater is not None:
            raise BrokenPatch("it ends within an entry")
        if self._left:
            raise BrokenPatch("it makes fewer bytes than the new archive has")
        return self._digest.hexdigest()
