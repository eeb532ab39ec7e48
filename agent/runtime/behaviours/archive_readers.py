"""Read the entries of zip and tar archives as one kind of thing."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from agent.runtime.behaviours.archive_rules import (
    Budget,
    UnsafeArchive,
    clean_name,
    is_packaging,
    nupkg_name,
)

FILE = "file"
DIRECTORY = "directory"
SYMLINK = "symlink"
HARDLINK = "hardlink"
SPECIAL = "special"

_ZIP_EXTENSIONS = (".nupkg", ".zip", ".jar", ".war", ".ear")
_TAR_EXTENSIONS = {
    ".tar": "",
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.bz2": "bz2",
    ".tar.bz": "bz2",
    ".tbz": "bz2",
    ".tbz2": "bz2",
    ".tar.xz": "xz",
    ".txz": "xz",
}
_MAX_HEADER = 1024 * 1024
_MAX_LINK = 4096
_XZ_MEMORY = 256 * 1024 * 1024
_CHUNK = 256 * 1024
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `link` is where a link points, `mtime` seconds or None."""

    path: str
    kind: str
    size: int
    mode: int
    mtime: float | None
    link: str
    open: Callable[[], IO[bytes] | None]


def supported(extension: str) -> bool:
    """Tell whether archives with this extension can be unpacked."""
    return extension.lower() in _ZIP_EXTENSIONS or extension.lower() in _TAR_EXTENSIONS


def read_entries(path: Path, extension: str, budget: Budget) -> Iterator[Entry]:
    """Yield the entries in order; each must be read before the next is asked for.

    Raise UnsafeArchive for anything broken, encrypted, or badly named.
    """
    extension = extension.lower()
    try:
        if extension in _ZIP_EXTENSIONS:
            yield from _zip_entries(path, budget, nupkg=extension == ".nupkg")
        else:
            yield from _tar_entries(path, _TAR_EXTENSIONS[extension], budget)
    except _BROKEN as error:
        raise UnsafeArchive(f"it cannot be read: {error}") from error


def read_broken() -> tuple[type[BaseException], ...]:
    """Return what reading an entry's content may raise when the archive is broken."""
    return _BROKEN


def _zip_entries(path: Path, budget: Budget, *, nupkg: bool) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            budget.take_entry()
            name = nupkg_name(info.filename) if nupkg else info.filename
            cleaned = clean_name(name, backslashes=True)
            if nupkg and is_packaging(cleaned):
                continue
            if info.flag_bits & 0x1:
                raise UnsafeArchive("it is encrypted")
            yield _zip_entry(archive, info, cleaned)


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, cleaned: str) -> Entry:
    mode = info.external_attr >> 16
    kind = FILE
    link = ""
    if info.filename.endswith(("/", "\\")):
        kind = DIRECTORY
    elif stat.S_IFMT(mode) == stat.S_IFLNK:
        kind = SYMLINK
        with archive.open(info) as file:
            link = file.read(_MAX_LINK).decode("utf-8", "surrogateescape")
    elif stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        kind = SPECIAL
    elif stat.S_IFMT(mode) == stat.S_IFDIR:
        kind = DIRECTORY
    try:
        mtime: float | None = time.mktime((*info.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        mtime = None
    return Entry(
        cleaned, kind, info.file_size, stat.S_IMODE(mode), mtime, link, lambda: archive.open(info)
    )


class _CheckedTarInfo(tarfile.TarInfo):
    """Refuse headers that would make tarfile read without bound."""

    _EXTENDED = (
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    )
    _END = ("EmptyHeaderError", "EOFHeaderError")

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if type(error).__name__ in cls._END:
                raise
            # tarfile would take any other for the end of the archive, unless it came first.
            raise UnsafeArchive(f"it cannot be read: {error}") from error
        if header.size < 0 or (header.type in cls._EXTENDED and header.size > _MAX_HEADER):
            raise UnsafeArchive("a header in it is too large")
        return header


class _XzStream:
    """Decompress xz with bounded memory, which the standard library's file object lacks."""

    def __init__(self, path: Path) -> None:
        self._file = io.FileIO(path)
        self._decompressor = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

    def read(self, size: int = -1) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            if self._decompressor.eof:
                rest = self._decompressor.unused_data or self._file.read(_CHUNK)
                if not rest.strip(b"\0"):
                    break
                self._decompressor = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
            else:
                rest = self._file.read(_CHUNK) if self._decompressor.needs_input else b""
                if not rest and self._decompressor.needs_input:
                    raise EOFError("the compressed data ends too early")
            piece = self._decompressor.decompress(rest, size)
            parts.append(piece)
            size -= len(piece)
        return b"".join(parts)

    def close(self) -> None:
        self._file.close()


class _Stream:
    """A stream whose errors about its content are no OSError, which would be about the disk."""

    def __init__(self, path: Path, compression: str) -> None:
        self._source: io.FileIO | _XzStream | gzip.GzipFile | bz2.BZ2File
        if compression == "gz":
            self._source = gzip.GzipFile(path, "rb")
        elif compression == "bz2":
            self._source = bz2.BZ2File(path, "rb")
        else:
            self._source = _XzStream(path) if compression == "xz" else io.FileIO(path)

    def read(self, size: int) -> bytes:
        try:
            return self._source.read(size)
        except OSError as error:
            if error.errno is None:
                raise tarfile.ReadError(str(error)) from error
            raise

    def close(self) -> None:
        self._source.close()


def _tar_entries(path: Path, compression: str, budget: Budget) -> Iterator[Entry]:
    with (
        closing(_Stream(path, compression)) as stream,
        tarfile.open(  # type: ignore[call-overload]
            fileobj=stream,
            mode="r|",
            tarinfo=_CheckedTarInfo,
            bufsize=_CHUNK,
        ) as archive,
    ):
        while (info := archive.next()) is not None:
            archive.members.clear()
            budget.take_entry()
            yield _tar_entry(archive, info)


def _tar_entry(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Entry:
    kind = SPECIAL
    if info.isreg():
        kind = FILE
    elif info.isdir():
        kind = DIRECTORY
    elif info.issym():
        kind = SYMLINK
    elif info.islnk():
        kind = HARDLINK
    return Entry(
        clean_name(info.name, backslashes=False),
        kind,
        info.size,
        stat.S_IMODE(info.mode),
        info.mtime,
        info.linkname,
        lambda: archive.extractfile(info),
    )
