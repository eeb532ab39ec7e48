"""What Django and uvicorn lack for real clients: chunked request bodies and reason phrases."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from octopus_site.serving.live_body import LargeBody

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Check = Callable[[Scope], Awaitable[bool]]

LARGEST_BODY = 6 * 1024**3  # a package of 5 GiB (packages.limits) and the form around it
LARGEST_OTHER_BODY = 32 * 1024**2
LARGEST_ANONYMOUS_BODY = 1024**2
_PACKAGE_PATHS = ("/packages", "/nuget")
_AGENTS = "/agent/"
_CREDENTIALS = {b"x-octopus-apikey", b"x-nuget-apikey", b"authorization", b"cookie"}
_LENGTHS = {b"content-length", b"transfer-encoding"}
_PIECE = 64 * 1024
_IN_MEMORY = 256 * 1024
_NOT_ASCII = 128
_REASON_HEADER = b"\r\nx-octopus-reason: "


class BodyTooLarge(Exception):
    """The request's body is larger than this sender may send."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """The bytes of a body that are in the spool, and whether they are all of it."""

    length: int
    is_whole: bool


class SpoolChunkedBody:
    """ASGI middleware: limit bodies, and give one that came without Content-Length a length.

    Django and DRF read nothing from such bodies, and every Go client and `dotnet nuget push`
    send them. A body is spooled to the data folder before the application sees the request; of a
    large one where packages are taken in only the beginning is, and its length is said to be the
    most that may come. Nobody may send a large one without a credential that `is_known` confirms:
    the application answers to others without having their body.
    """

    def __init__(self, application: Application, is_known: Check) -> None:
        self.application = application
        self.is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        limit = _limit(scope["path"], headers)
        length = headers.get(b"content-length", b"")
        declared = int(length) if length.isdigit() else 0
        try:
            if declared > limit:
                raise BodyTooLarge
            if declared > LARGEST_ANONYMOUS_BODY and not await self.is_known(scope):
                await self._without_body(scope, send)
            elif b"transfer-encoding" in headers:
                # However it is spelled, and whatever length is claimed beside it.
                await self._with_length(scope, receive, send, limit)
            elif declared > LARGEST_ANONYMOUS_BODY and limit == LARGEST_BODY:
                await self.application(scope, LargeBody(receive), send)
            else:
                await self.application(scope, receive, send)
        except BodyTooLarge:
            await _refuse(send)

    async def _with_length(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        with tempfile.SpooledTemporaryFile(
            max_size=_IN_MEMORY, dir=settings.FILE_UPLOAD_TEMP_DIR
        ) as spool:
            begun = await self._spool(scope, receive, spool, limit)  # type: ignore[arg-type]  # a binary file
            if begun is None:
                await self._without_body(scope, send)
                return
            told = begun.length if begun.is_whole else limit
            headers = [pair for pair in scope["headers"] if pair[0] not in _LENGTHS]
            scope["headers"] = [*headers, (b"content-length", str(told).encode())]
            left = None if begun.is_whole else limit - begun.length
            body = _replay(spool, receive, left)  # type: ignore[arg-type]  # likewise
            await self.application(scope, body if begun.is_whole else LargeBody(body), send)

    async def _spool(
        self, scope: Scope, receive: Receive, spool: BinaryIO, limit: int
    ) -> "_Begun | None":
        """Return what is in the spool; None when nobody known sends a large body."""
        length, is_checked = 0, False
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError("The client went away while it sent its request.")
            body = message.get("body", b"")
            length += len(body)
            is_whole = not message.get("more_body", False)
            if length > limit:
                raise BodyTooLarge
            if length > LARGEST_ANONYMOUS_BODY and not is_checked:
                is_checked = True
                if not await self.is_known(scope):
                    return None
            if length > _IN_MEMORY:
                await asyncio.to_thread(spool.write, body)
            else:
                spool.write(body)
            if is_whole or (is_checked and limit == LARGEST_BODY):
                spool.seek(0)
                return _Begun(length, is_whole)

    async def _without_body(self, scope: Scope, send: Send) -> None:
        """Let the application refuse the credential in the words that its clients know."""
        headers = [pair for pair in scope["headers"] if pair[0] not in _LENGTHS]
        scope["headers"] = [*headers, (b"content-length", b"0")]
        gone = asyncio.Event()

        async def nothing() -> Message:
            if gone.is_set():
                await asyncio.Future()
            gone.set()
            return {"type": "http.request", "body": b"", "more_body": False}

        await self.application(scope, nothing, send)


def _limit(path: str, headers: Mapping[bytes, bytes]) -> int:
    """Return how large a body may be: packages are large, and only where they are taken in.

    There also for who has no credential: the answer is that one is needed, to which clients with
    stored ones listen, and not that the package is too large.
    """
    path = path.lower()
    if any(part in path for part in _PACKAGE_PATHS) and not path.startswith(_AGENTS):
        return LARGEST_BODY
    return LARGEST_OTHER_BODY if headers.keys() & _CREDENTIALS else LARGEST_ANONYMOUS_BODY


async def _refuse(send: Send) -> None:
    body = b'{"ErrorMessage": "The request body is too large."}'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _replay(spool: BinaryIO, receive: Receive, left: int | None) -> Receive:
    """Give the spool, and then what still comes: at most `left` bytes, None when that was all."""
    is_read = False

    async def replay() -> Message:
        nonlocal is_read, left
        if not is_read:
            piece = spool.read(_PIECE)
            is_read = len(piece) < _PIECE
            more = left is not None or not is_read
            return {"type": "http.request", "body": piece, "more_body": more}
        message = await receive()
        if left is not None:
            left -= len(message.get("body", b""))
            if left < 0:
                return {"type": "http.disconnect"}
        return message

    return replay


class ReasonPhraseProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol, whose responses may carry a reason phrase of their own.

    NuGet clients show nothing of an error but the phrase. A view names it in the internal
    header `X-Octopus-Reason`, which never leaves the server.
    """

    def connection_made(self, transport: Any) -> None:
        super().connection_made(_ReasonTransport(transport))  # type: ignore[arg-type]


class _ReasonTransport:
    """A transport that moves the internal header into the status line.

    It sends the head together with what follows at once, so that a client wakes up once.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 "):
            self._flush()
            self._head = _with_reason(data) if _REASON_HEADER in data else data
            asyncio.get_running_loop().call_soon(self._flush)
            return
        self._transport.write(self._head + data)
        self._head = b""

    def _flush(self) -> None:
        if self._head and not self._transport.is_closing():
            self._transport.write(self._head)
        self._head = b""

    def close(self) -> None:
        self._flush()
        self._transport.close()


def _with_reason(data: bytes) -> bytes:
    before, _, rest = data.partition(_REASON_HEADER)
    phrase, _, after = rest.partition(b"\r\n")
    status_line, _, headers = before.partition(b"\r\n")
    clean = bytes(byte for byte in phrase if chr(byte).isprintable() and byte < _NOT_ASCII)
    head = status_line[: len(b"HTTP/1.1 400 ")] + clean
    return b"\r\n".join(part for part in (head, headers, after) if part or part is after)
