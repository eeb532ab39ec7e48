"""What clients send: requests on one connection that is kept open, and packages."""

import os
import socket
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from urllib.parse import urlsplit

from httptools import HttpResponseParser

MIB = 1024 * 1024
_PIECE = 256 * 1024
_BOUNDARY = "benchmark-of-the-feed"
FORM = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
Body = bytes | Iterable[bytes]


class Refused(Exception):
    """The server did not answer with success."""


class Connection(AbstractContextManager["Connection"]):
    """Sends requests with the same headers.

    It does little itself: what a client does with an answer counts as its server's time.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port or 80), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = {"Host": address.netloc, **(headers or {})}

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
        self._send(method, path, body, headers or {})
        pieces: list[bytes] = []
        answer = self._hear(pieces.append)
        content = b"".join(pieces)
        took = time.perf_counter() - began
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content, took

    def fetch(self, path: str) -> tuple[int, float]:
        """Return how many bytes came and how many seconds they took, without keeping them."""
        began = time.perf_counter()
        sizes: list[int] = []
        self._send("GET", path, None, {})
        answer = self._hear(lambda piece: sizes.append(len(piece)))
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(f"GET {path}: {answer.status}")
        return sum(sizes), time.perf_counter() - began

    def _send(self, method: str, path: str, body: Body | None, headers: Mapping[str, str]) -> None:
        every = {**self._headers, **headers}
        if isinstance(body, bytes):
            every["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in every.items())
        head = f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()
        if body is None or isinstance(body, bytes):
            self._socket.sendall(head + (body or b""))
            return
        self._socket.sendall(head)
        for piece in body:
            self._socket.sendall(piece)

    def _hear(self, keep: Callable[[bytes], object]) -> "_Answer":
        answer = _Answer(keep)
        parser = HttpResponseParser(answer)
        while not answer.is_whole:
            data = self._socket.recv(_PIECE)
            if not data:
                raise ConnectionResetError("The server ended the connection before its answer.")
            parser.feed_data(data)
        answer.status = parser.get_status_code()
        return answer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()


class _Answer:
    """What httptools tells of an answer; its body goes on, piece by piece."""

    def __init__(self, keep: Callable[[bytes], object]) -> None:
        self.on_body = keep
        self.is_whole = False
        self.status = 0

    def on_message_complete(self) -> None:
        """Note the end."""
        self.is_whole = True


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


def streamed(file: BinaryIO, size: int) -> tuple[Iterable[bytes], dict[str, str]]:
    """Return a body that is read from the file while it is sent, and its header."""
    return iter(lambda: file.read(_PIECE), b""), {"Content-Length": str(size)}


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
