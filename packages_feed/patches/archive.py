"""An archive as its entries' bytes and what stands between them."""

import bisect
import itertools
import mmap
import struct
import tarfile
import zlib
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from deployments.base.errors import Invalid
from packages_feed.ingest.inspect import TAR_KINDS, ZIP_KINDS
from packages_feed.patches.entries import (
    MOST_ENTRIES,
    Entry,
    Unpatchable,
    key_of,
    zip_entries,
)

LARGEST: Final = 2 * 1024 * 1024 * 1024
# What is larger unpacked comes as it is in the archive: the memory for it is the server's limit.
LARGEST_ENTRY: Final = 128 * 1024 * 1024
_BROKEN: Final = (
    tarfile.TarError,
    zlib.error,
    struct.error,
    ValueError,
    EOFError,
    OSError,
    Invalid,
)
_PIECE: Final = 64 * 1024
_GZIP_TAIL: Final = struct.Struct("<2L")
_GZIP_HEAD: Final = 64 * 1024
_GZIP_EXTRA: Final = 8
_GZIP_NAMED = 8
_GZIP_PLAIN = 0


def gzip_content(head: bytes) -> int:
    """Return where the deflate stream begins; raises Unpatchable for unusual headers."""
    if head[:3] != b"\x1f\x8b\x08" or head[3] not in {_GZIP_PLAIN, _GZIP_NAMED}:
        raise Unpatchable("the archive has an unusual header")
    if head[3] == _GZIP_PLAIN:
        return 10
    end = head.find(b"\0", 10)
    if end < 0:
        raise Unpatchable("the archive has an unusual header")
    return end + 1


class Archive:
    """An archive in a file, mapped into memory; `entries` are in the order of their bytes."""

    def __init__(self, path: Path, extension: str) -> None:
        self.size = path.stat().st_size
        if not 0 < self.size <= LARGEST:
            raise Unpatchable("the archive is too large")
        with path.open("rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.gzip_extra: int | None = None
        """The byte of a header of gzip that tells how it packed."""
        try:
            self.entries = self._read(path, extension)
        except _BROKEN as error:
            self.bytes.close()
            raise Unpatchable(f"the archive cannot be read: {error}") from error
        except BaseException:
            self.bytes.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bytes.close()

    def stored(self, entry: Entry) -> bytes:
        """Return an entry's bytes as they stand in the archive."""
        return self.bytes[entry.start : entry.end]

    def entry_at(self, start: int) -> Entry:
        """Return the entry whose bytes begin there."""
        return self.entries[bisect.bisect_left(self.entries, start, key=attrgetter("start"))]

    def content(self, entry: Entry) -> bytes | bytearray:
        """Return what an entry unpacks to; raises Unpatchable when it is damaged."""
        if entry.size is None:
            return self.stored(entry)
        found = bytearray(entry.size)
        self.unpack(entry, memoryview(found))
        return found

    def unpack(self, entry: Entry, target: memoryview) -> None:
        """Fill the memory with what a deflated entry unpacks to; raises Unpatchable.

        In small pieces, as each new page of memory takes longer than to unpack what fills it.
        """
        work, place = zlib.decompressobj(-zlib.MAX_WBITS), 0
        for start in range(entry.start, entry.end, _PIECE):
            packed = self.bytes[start : min(start + _PIECE, entry.end)]
            try:
                found = work.decompress(packed, len(target) - place + 1)
            except zlib.error as error:
                raise _damaged(entry) from error
            end = place + len(found)
            if end > len(target) or work.unused_data:
                raise _damaged(entry)
            target[place:end] = found
            place = end
        if place < len(target) or not work.eof:
            raise _damaged(entry)

    def _read(self, path: Path, extension: str) -> list[Entry]:
        if extension in ZIP_KINDS:
            found = sorted(zip_entries(path, self.bytes), key=lambda entry: entry.start)
        elif TAR_KINDS.get(extension) == "":
            found = list(self._tar_entries(path))
        elif TAR_KINDS.get(extension) == "gz":
            found = [self._gzip_entry()]
        else:
            raise Unpatchable(f"no patches are made of {extension} archives")
        if any(after.start < before.end for before, after in itertools.pairwise(found)):
            raise Unpatchable("entries of the archive overlap")
        return found

    def _gzip_entry(self) -> Entry:
        """Return the whole of what gzip packed, as one entry."""
        start = gzip_content(self.bytes[:_GZIP_HEAD])
        self.gzip_extra = self.bytes[_GZIP_EXTRA]
        crc, size = _GZIP_TAIL.unpack(self.bytes[-_GZIP_TAIL.size :])
        length = self.size - _GZIP_TAIL.size - start
        if length <= 0:
            raise Unpatchable("the archive ends too early")
        if size > LARGEST_ENTRY:
            raise Unpatchable("the archive is too large unpacked")
        return Entry("the tar", start, length, key_of(crc, length), size)

    def _tar_entries(self, path: Path) -> Iterator[Entry]:
        with tarfile.open(path, "r:") as archive:
            for number, info in enumerate(archive):
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep every header
                if number >= MOST_ENTRIES:
                    raise Unpatchable(f"the archive has more than {MOST_ENTRIES} entries")
                if info.isreg() and info.size > 0:
                    crc = self._crc_of(info.offset_data, info.size)
                    yield Entry(info.name, info.offset_data, info.size, key_of(crc, info.size))

    def _crc_of(self, start: int, length: int) -> int:
        if start + length > self.size:  # of a file with holes, say, which are not in the archive
            raise Unpatchable("an entry does not end in the archive")
        with memoryview(self.bytes) as whole:
            return zlib.crc32(whole[start : start + length])


def _damaged(entry: Entry) -> Unpatchable:
    return Unpatchable(f"the entry {entry.name[:100]!a} is damaged")
