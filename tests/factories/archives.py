"""Archives of two versions of an application that differ in few of their files."""

import io
import random
import subprocess
import tarfile
import zipfile
import zlib
from functools import cache
from unittest import mock


@cache
def application(version: int, *, count: int = 40) -> dict[str, bytes]:
    """Return the files of a version; each next one changes two, adds one and moves one."""
    files = {f"app/module{number}.txt": _text(number) for number in range(count)}
    for step in range(1, version):
        files[f"app/module{step}.txt"] += b" changed in version %d" % (step + 1)
        files[f"app/module{step + 9}.txt"] = _text(step + 9).replace(b"7", b"seven", 3)
        files[f"app/new{step}.txt"] = _text(1000 + step)[:2000]
        files[f"moved/module{count - step}.txt"] = files.pop(f"app/module{count - step}.txt") + b"!"
    return files


def zip_bytes(files: dict[str, bytes], *, year: int = 2020, level: int = 6) -> bytes:
    """Return a zip whose entries bear that year."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED
            archive.writestr(info, content, compresslevel=level)
    return buffer.getvalue()


def flushed_zip(files: dict[str, bytes], place: int) -> bytes:
    """Return a zip by a program that flushes once, after so many bytes of an entry."""

    class Flushing:
        def __init__(self) -> None:
            self._work = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
            self._left = place

        def compress(self, data: bytes) -> bytes:
            first, rest = data[: max(0, self._left)], data[max(0, self._left) :]
            packed = self._work.compress(first)
            if first and len(first) == self._left:
                packed += self._work.flush(zlib.Z_SYNC_FLUSH)
            self._left -= len(first)
            return packed + self._work.compress(rest)

        def flush(self) -> bytes:
            return self._work.flush()

    with mock.patch.object(zipfile, "_get_compressor", side_effect=lambda *_: Flushing()):
        return zip_bytes(files)


def tar_bytes(files: dict[str, bytes]) -> bytes:
    """Return an uncompressed tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _text(seed: int) -> bytes:
    numbers = random.Random(seed)
    return " ".join(str(numbers.getrandbits(24)) for _ in range(1500)).encode()


def by_gzip(content: bytes, *options: str) -> bytes:
    """Return what the program gzip makes of it."""
    command = ["gzip", "-c", *options]
    return subprocess.run(command, input=content, check=True, capture_output=True).stdout
