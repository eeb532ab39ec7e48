"""Collecting the steps of a patch into frames that need little memory to apply."""

import zlib
from typing import BinaryIO, Final

from backports import zstd

from agent.patches.format import (
    MAX_PAYLOAD,
    MAX_PREFIX,
    WINDOW_LOG,
    ZLIB,
    ZSTD,
    Copy,
    Data,
    Piece,
    Plan,
    write_frame,
)
from packages_feed.patches.archive import Archive
from packages_feed.patches.entries import Unpatchable

_USUAL: Final = 24 * 1024 * 1024
_MOST_STEPS: Final = 400_000
_ZSTD_LEVEL: Final = 3
_ZLIB_LEVEL: Final = 6
# What zstd takes for a prefix.
_LEAST: Final = 8


class FrameWriter:
    """Steps in, frames out; raises Unpatchable beyond `limit` bytes."""

    def __init__(self, old: Archive, file: BinaryIO, limit: int, *, is_zstd: bool) -> None:
        self.is_zstd = is_zstd
        self.ends_with_copy = False
        self._old = old
        self._file = file
        self._limit = limit
        self._common: list[Piece] = []
        self._steps = 0
        self._last: tuple[int, bytes | bytearray] = (-1, b"")
        self._begin()

    def always(self, piece: Piece) -> None:
        """Let every frame's prefix begin with these old bytes."""
        self._common.append(piece)
        self._begin()

    def add(
        self,
        step: Copy | Data,
        payload: bytes | bytearray = b"",
        prefix: Piece | None = None,
    ) -> None:
        """Append a step with its payload, which resembles the old bytes of `prefix`."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise Unpatchable("the archives differ in too many places")
        if isinstance(step, Copy):
            self._add_copy(step)
            return
        size = 0 if prefix is None else prefix.unpacked
        if self._payload and (
            self._payload_size + len(payload) > _USUAL or self._prefix_size + size > _USUAL
        ):
            self.flush()
        if prefix is not None and self._prefix_size + size <= MAX_PREFIX:
            self._plan.prefix.append(prefix)
            self._prefix_size += size
        self._plan.steps.append(step)
        self._payload.append(payload)
        self._payload_size += len(payload)
        self.ends_with_copy = False
        if self._payload_size > MAX_PAYLOAD:
            raise Unpatchable("an entry is too large")

    def flush(self) -> None:
        """Write what has been collected."""
        if self._plan.steps:
            packed, compression = self._packed()
            write_frame(self._file, self._plan, compression, packed)
            if self._file.tell() > self._limit:
                raise Unpatchable("the patch is larger than 60 % of the package")
        self._begin()

    def _begin(self) -> None:
        self._plan = Plan(prefix=list(self._common))
        self._prefix_size = self._plan.prefix_size
        self._payload: list[bytes | bytearray] = []
        self._payload_size = 0
        self.ends_with_copy = False

    def _add_copy(self, step: Copy) -> None:
        last = self._plan.steps[-1] if self._plan.steps else None
        if isinstance(last, Copy) and last.offset + last.length == step.offset:
            self._plan.steps[-1] = Copy(last.offset, last.length + step.length)
        else:
            self._plan.steps.append(step)
        self.ends_with_copy = True

    def _packed(self) -> tuple[bytes, bytes]:
        if not self.is_zstd:
            work = zlib.compressobj(_ZLIB_LEVEL)
            parts = [work.compress(payload) for payload in self._payload]
            return b"".join((*parts, work.flush())), ZLIB
        size = self._plan.prefix_size
        window = max(10, (size + self._payload_size).bit_length())
        options: dict[int, int] = {
            zstd.CompressionParameter.compression_level: _ZSTD_LEVEL,
            zstd.CompressionParameter.window_log: min(window, WINDOW_LOG),
            zstd.CompressionParameter.enable_long_distance_matching: 1,
        }
        dictionary = self._prefix(size).as_prefix if size >= _LEAST else None
        packer = zstd.ZstdCompressor(options=options, zstd_dict=dictionary)
        packer.set_pledged_input_size(self._payload_size)
        # All at once: zstd then reads it where it is, instead of taking a copy piece by piece.
        payload = b"".join(self._payload)
        self._payload.clear()
        return packer.compress(payload, packer.FLUSH_FRAME), ZSTD

    def _prefix(self, size: int) -> zstd.ZstdDict:
        found, place = bytearray(size), 0
        with memoryview(found) as target:
            for piece in self._plan.prefix:
                end = place + piece.unpacked
                self._unpack(piece, target[place:end])
                place = end
        return zstd.ZstdDict(found, is_raw=True)

    def _unpack(self, piece: Piece, target: memoryview) -> None:
        if piece.size is None:
            target[:] = self._old.bytes[piece.offset : piece.offset + piece.length]
            return
        entry = self._old.entry_at(piece.offset)
        if piece.size == entry.size:
            self._old.unpack(entry, target)
            return
        if piece.offset != self._last[0]:
            # A large entry is asked for again and again, one part after the other.
            self._last = (piece.offset, self._old.content(entry))
        with memoryview(self._last[1]) as content:
            target[:] = content[piece.skip : piece.skip + piece.size]
