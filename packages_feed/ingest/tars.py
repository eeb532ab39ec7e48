"""Reading tar files from front to back, compressed or not, in constant memory."""

import bz2
import gzip
import lzma
import tarfile
import zlib
from typing import Any, BinaryIO, cast

from deployments.base.errors import Invalid
from packages_feed.ingest.entries import Budget, FileNames, check_link, check_name

_PIECE = 1024 * 1024
_BROKEN = "The file is not a tar archive, or it is damaged."
_MAX_HEADER = 1024 * 1024


class _Forward:
    """A stream that tarfile may seek forward in, but never ask for a huge header."""

    def __init__(self, stream: BinaryIO, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget
        self._place = 0

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _MAX_HEADER:
            raise Invalid("The archive has an unreasonably long header.")
        data = self._stream.read(size)
        self._moved(len(data))
        return data

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> None:
        left = place - self._place
        if left < 0:
            raise Invalid(_BROKEN)
        while left:
            piece = self._stream.read(min(left, _PIECE))
            if not piece:
                return
            self._moved(len(piece))
            left -= len(piece)

    def _moved(self, count: int) -> None:
        self._place += count
        # What really came out of the decompressor counts, whatever the headers say.
        limits = self._budget.limits
        allowed = limits.ratio * max(1, self._budget.packed)
        if self._place > limits.unpacked or (
            self._place > limits.ratio_from and self._place > allowed
        ):
            raise Invalid("The archive unpacks to far more than its own size.")


def check_tar(file: BinaryIO, compression: str, budget: Budget) -> None:
    """Check every entry; `compression` is "", "gz", "bz2" or "xz". Raises Invalid."""
    file.seek(0)
    try:
        with _opened(file, compression) as stream:
            _check_members(_Forward(stream, budget), budget)
    except (
        tarfile.TarError,
        EOFError,
        OSError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise Invalid(_BROKEN) from error


def _opened(file: BinaryIO, compression: str) -> BinaryIO:
    if compression == "gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file, mode="rb"))
    if compression == "bz2":
        return cast(BinaryIO, bz2.BZ2File(file))
    if compression == "xz":
        return cast(BinaryIO, lzma.LZMAFile(file))
    return cast(BinaryIO, _KeepsOpen(file))


class _KeepsOpen:
    """An already open file as a context that does not close it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __enter__(self) -> BinaryIO:
        return self._file

    def __exit__(self, *_: object) -> None:
        return


def _check_members(stream: _Forward, budget: Budget) -> None:
    archive = tarfile.TarFile(fileobj=cast(Any, stream), mode="r", errors="surrogateescape")
    files = FileNames(budget.most_entries)
    while True:
        member = archive.next()
        archive.members.clear()  # type: ignore[attr-defined]  # it would keep every header
        if member is None:
            break
        _check_member(member)
        budget.take(max(0, member.size))
        if member.isdir():
            files.add_folder(member.name)
        else:
            files.add(member.name)
    files.require_different()


def _check_member(member: tarfile.TarInfo) -> None:
    check_name(member.name, backslashes=False)
    if member.issym():
        check_link(member.name, member.linkname)
    elif member.islnk():
        check_link(member.name, member.linkname, from_root=True)
    elif not (member.isreg() or member.isdir()):
        raise Invalid(f"The archive has the device {member.name[:100]!a}.")
