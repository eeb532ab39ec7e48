"""Reading the directory of a zip file entry by entry, in constant memory."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote

from deployments.base.errors import Invalid
from packages_feed.ingest.entries import Budget, FileNames, check_link, check_name

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_UTF8 = 0x800
_ENCRYPTED = 0x1
_MAX_COMMENT = 65_535
_FULL = 0xFFFFFFFF
_ZIP64_EXTRA = 1
_MAX_TARGET = 4096
_MOST_WITH_LINKS = 65_534
_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,  # a method of compression that is not known
    RuntimeError,  # encrypted
    EOFError,
    ValueError,
    KeyError,
    struct.error,
    OSError,
)
# What is made on another system than Unix, or by a careless tool, says nothing of its kind.
_KINDS = frozenset({0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK})
_BROKEN = "The file is not a zip archive, or it is damaged."


@dataclass(frozen=True)
class ZipEntry:
    """One line of the directory; sizes are what it claims."""

    name: str
    size: int
    mode: int
    is_encrypted: bool


@dataclass(frozen=True)
class Directory:
    """Where the directory is; places that it names count from `shift`."""

    start: int
    size: int
    count: int
    shift: int


def check_zip(file: BinaryIO, budget: Budget, *, unquotes: bool = False) -> list[str]:
    """Check every entry and return the names of the files at the root; raises Invalid.

    `unquotes` says that who unpacks it reads %20 and the like in names, as in NuGet packages.
    """
    roots = []
    links = []
    files = FileNames(budget.most_entries)
    directory = find_directory(file)
    if directory.count > budget.most_entries:
        raise Invalid(f"The archive has more than {budget.most_entries} entries.")
    for entry in _entries(file, directory):
        name = unquote(entry.name, errors="surrogateescape") if unquotes else entry.name
        check_name(name, backslashes=True)
        if entry.is_encrypted:
            raise Invalid("The archive is encrypted.")
        if stat.S_IFMT(entry.mode) not in _KINDS:
            raise Invalid(f"The archive has the device {entry.name[:100]!a}.")
        budget.take(entry.size)
        if entry.name.endswith(("/", "\\")) or stat.S_ISDIR(entry.mode):
            files.add_folder(name)
        else:
            files.add(name)
        if stat.S_ISLNK(entry.mode):
            links.append((entry.name, name))
        elif "/" not in entry.name.replace("\\", "/").removeprefix("./"):
            roots.append(entry.name)
    files.require_different()
    _check_links(file, links, directory.count)
    return roots


def read_entry(file: BinaryIO, name: str, limit: int) -> bytes:
    """Return an entry's content, at most `limit` bytes and one more; raises Invalid."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(name) as entry:
            return entry.read(limit + 1)
    except _READ_ERRORS as error:
        raise Invalid(f"The entry {name[:100]!a} cannot be read.") from error


def _check_links(file: BinaryIO, links: list[tuple[str, str]], count: int) -> None:
    if not links:
        return
    if count > _MOST_WITH_LINKS:
        raise Invalid(f"An archive with links may have at most {_MOST_WITH_LINKS} entries.")
    try:
        with zipfile.ZipFile(file) as archive:
            for entry_name, name in links:
                with archive.open(entry_name) as entry:
                    target = entry.read(_MAX_TARGET).decode("utf-8", "surrogateescape")
                check_link(name.replace("\\", "/"), target)
    except _READ_ERRORS as error:
        raise Invalid(_BROKEN) from error


def find_directory(file: BinaryIO) -> Directory:
    """Look for the directory at the end of the file; raises Invalid."""
    file.seek(0, 2)
    length = file.tell()
    tail_length = min(length, _END.size + _MAX_COMMENT)
    file.seek(length - tail_length)
    tail = file.read(tail_length)
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) - place < _END.size:
        raise Invalid(_BROKEN)
    end = length - tail_length + place
    *_, count, size, offset, _ = _END.unpack_from(tail, place)
    start = end - size
    return _find_directory64(file, end) or _checked(Directory(start, size, count, start - offset))


def _find_directory64(file: BinaryIO, end: int) -> Directory | None:
    """Look for the records of large archives, which stand right before the ordinary one."""
    start = end - _END64_LOCATOR.size - _END64.size
    if start < 0:
        return None
    file.seek(start)
    record = file.read(_END64.size)
    locator = file.read(_END64_LOCATOR.size)
    if locator[:4] != b"PK\6\7":
        return None
    if record[:4] != b"PK\6\6":
        raise Invalid(_BROKEN)
    *_, count, size, offset = _END64.unpack(record)
    return _checked(Directory(start - size, size, count, start - size - offset))


def _checked(directory: Directory) -> Directory:
    if directory.start < 0 or directory.size < directory.count * _ENTRY.size:
        raise Invalid(_BROKEN)
    return directory


def _entries(file: BinaryIO, directory: Directory) -> Iterator[ZipEntry]:
    file.seek(directory.start)
    for _ in range(directory.count):
        fixed = file.read(_ENTRY.size)
        if len(fixed) < _ENTRY.size or fixed[:4] != b"PK\1\2":
            raise Invalid(_BROKEN)
        values = _ENTRY.unpack(fixed)
        flags, size = values[5], values[11]
        name_length, extra_length, comment_length = values[12:15]
        made_by, external = values[2], values[17]
        raw = file.read(name_length)
        extra = file.read(extra_length)
        file.seek(comment_length, 1)
        if len(raw) < name_length or len(extra) < extra_length:
            raise Invalid(_BROKEN)
        try:
            name = raw.decode("utf-8" if flags & _UTF8 else "cp437")
        except UnicodeDecodeError as error:
            raise Invalid("The archive has an entry whose name is not text.") from error
        yield ZipEntry(
            name=name,
            size=_size64(extra) if size == _FULL else size,
            mode=(external >> 16) if made_by == 3 else 0,  # noqa: PLR2004 made on Unix
            is_encrypted=bool(flags & _ENCRYPTED),
        )


def _size64(extra: bytes) -> int:
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == _ZIP64_EXTRA and length >= 8 and place + 12 <= len(extra):  # noqa: PLR2004
            (size,) = struct.unpack_from("<Q", extra, place + 4)
            return int(size)
        place += 4 + length
    return _FULL
