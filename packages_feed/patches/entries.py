"""The entries of archives, and where they lie in a zip: its directory, read quickly."""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from packages_feed.ingest.zips import find_directory

MOST_ENTRIES: Final = 200_000
# Of the directory, which is read at once; names are short.
_LARGEST_DIRECTORY: Final = 64 * 1024 * 1024
# Of a line of the directory: mark, method, CRC-32, both sizes, three lengths, and the place.
_LINE: Final = struct.Struct("<4s6xH4x3L3H8xL")
_LOCAL: Final = struct.Struct("<4s22x2H")
_DEFLATED: Final = 8
# What a number is that is too large for its field, and where it then stands.
_FULL: Final = 0xFFFFFFFF
_ZIP64: Final = 1
_EXTRA: Final = struct.Struct("<2H")
_WIDE: Final = struct.Struct("<Q")


class Unpatchable(Exception):
    """No patch can be made of these archives; the text says why."""


class Entry(NamedTuple):
    """The bytes of one entry as they stand in the archive; `size` is what deflated ones unpack to.

    Equal keys mean that the bytes may be equal.
    """

    name: str
    start: int
    length: int
    key: int
    size: int | None = None

    @property
    def end(self) -> int:
        return self.start + self.length

    @property
    def unpacked(self) -> int:
        return self.length if self.size is None else self.size


def key_of(crc: int, length: int, method: int = 0) -> int:
    """Return one number: a tuple for each of many entries is work for who collects garbage."""
    return crc << 64 | length << 16 | method


def zip_entries(path: Path, content: mmap.mmap) -> Iterator[Entry]:
    """Read the directory; names only tell what to compare, so any text is one.

    Raises Unpatchable, Invalid or struct.error for what is damaged.
    """
    with path.open("rb") as file:
        directory = find_directory(file)
    if directory.count > MOST_ENTRIES:
        raise Unpatchable(f"the archive has more than {MOST_ENTRIES} entries")
    if directory.size > _LARGEST_DIRECTORY:
        raise Unpatchable("the directory of the archive is too large")
    lines, place = content[directory.start : directory.start + directory.size], 0
    for _ in range(directory.count):
        line = _LINE.unpack_from(lines, place)
        mark, method, crc, length, size, name_length, extra_length, rest, offset = line
        if mark != b"PK\1\2":
            raise Unpatchable("the archive has another directory than it says")
        named = place + _LINE.size
        extra = named + name_length
        place = extra + extra_length + rest
        if _FULL in (length, size, offset):
            fields = lines[extra : extra + extra_length]
            size, length, offset = _widened(fields, size, length, offset)
        if length:
            name = lines[named:extra].decode("utf-8", "surrogateescape")
            start = _content_at(content, offset + directory.shift, length)
            unpacked = size if method == _DEFLATED else None
            yield Entry(name, start, length, key_of(crc, length, method), unpacked)


def _content_at(content: mmap.mmap, place: int, length: int) -> int:
    """Return where the bytes of an entry begin whose own header is at `place`."""
    if not 0 <= place <= len(content) - _LOCAL.size:
        raise Unpatchable("an entry does not lie where the directory says")
    mark, name, extra = _LOCAL.unpack_from(content, place)
    start: int = place + _LOCAL.size + name + extra
    if mark != b"PK\3\4" or start + length > len(content):
        raise Unpatchable("an entry does not lie where the directory says")
    return start


def _widened(extra: bytes, *numbers: int) -> list[int]:
    """Replace those that are full by the next ones of the field for large archives."""
    place = 0
    while place + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, place)
        place += _EXTRA.size
        if kind == _ZIP64:
            whole = min(length, len(extra) - place) // _WIDE.size * _WIDE.size
            wide = (number for (number,) in _WIDE.iter_unpack(extra[place : place + whole]))
            return [next(wide, _FULL) if each == _FULL else each for each in numbers]
        place += length
    return list(numbers)
