"""What clients send: requests on one connection that is kept open, and packages."""

import http.client
import os
import time
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from urllib.parse import urlsplit

MIB = 1024 * 1024
_PIECE = 256 * 1024
_BOUNDARY = "benchmark-of-the-feed"
FORM = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
Body = bytes | Iterable[bytes]


class Refused(Exception):
    """The server did not answer with success."""


class Connection(AbstractContextManager["Connection"]):
    """Sends requests with the same headers."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection(
            urlsplit(url).netloc, timeout=120, blocksize=_PIECE
        )
        self._headers = dict(headers or {})

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[bytes, float]:
        """Return the answer's body and how many seconds it took; raises Refused."""
        began = time.perf_counter()
        self._connection.request(method, path, body, {**self._headers, **(headers or {})})
        answer = self._connection.getresponse()
        content = answer.read()
        took = time.perf_counter() - began
        if answer.status >= http.client.BAD_REQUEST:
            raise Refused(f"{method} {path}: {answer.status} {answer.reason} {content[:300]!r}")
        return content, took

    def fetch(self, path: str) -> tuple[int, float]:
        """Return how many bytes came and how many seconds they took, without keeping them."""
        began, size = time.perf_counter(), 0
        self._connection.request("GET", path, None, self._headers)
        answer = self._connection.getresponse()
        while piece := answer.read(_PIECE):
            size += len(piece)
        if answer.status >= http.client.BAD_REQUEST:
            raise Refused(f"GET {path}: {answer.status} {answer.reason}")
        return size, time.perf_counter() - began

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()


def form(name: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the bytes of a file in the form that clients send."""
    head = (
        f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name=package; filename={name}\r\n"
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode(), f"\r\n--{_BOUNDARY}--\r\n".encode()


def form_of(data: bytes) -> bytes:
    """Return a whole form with one package."""
    before, after = form("package.nupkg")
    return before + data + after


def streamed_form(name: str, file: BinaryIO, size: int) -> tuple[Iterable[bytes], dict[str, str]]:
    """Return a form that is read from the file while it is sent, and its headers."""
    before, after = form(name)

    def pieces() -> Iterable[bytes]:
        yield before
        while piece := file.read(_PIECE):
            yield piece
        yield after

    return pieces(), {**FORM, "Content-Length": str(len(before) + size + len(after))}


def small_package(name: str, version: str, content: bytes = b"content") -> bytes:
    """Return a NuGet package, of about 1.5 KB beside the content."""
    from tests.factories.packages import nupkg  # noqa: PLC0415 after Django's set-up

    return nupkg(name, version, content=content)


def write_zip(path: Path, size: int) -> None:
    """Write an archive of random bytes, which nobody can make smaller."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(size // (4 * MIB)):
            archive.writestr(f"part-{number}.bin", os.urandom(4 * MIB))
