"""Answers that are made while they are read: text, compressed where the client takes it."""

import re
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from deployments.base.threads import in_thread

_GZIP = 16 + zlib.MAX_WBITS
# Logs shrink to a tenth at this level already; the higher ones cost several times as much.
_LEVEL = 3
_TAKES_GZIP = re.compile(
    r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[0-9.]+)?\s*(?:,|$)"
)


def stream_text(
    request: HttpRequest, pieces: Iterator[str], headers: Mapping[str, str] | None = None
) -> StreamingHttpResponse:
    """Answer with text; with gzip when the request's Accept-Encoding names it."""
    encoded: Iterator[bytes] = (piece.encode() for piece in pieces if piece)
    extra = {"Cache-Control": "no-store", "Vary": "Accept-Encoding", **(headers or {})}
    if takes_gzip(request.headers.get("Accept-Encoding", "")):
        extra["Content-Encoding"] = "gzip"
        encoded = _compressed(encoded)
    return stream_bytes(request, encoded, "text/plain; charset=utf-8", extra)


def stream_bytes(
    request: HttpRequest, pieces: Iterator[bytes], content_type: str, headers: Mapping[str, str]
) -> StreamingHttpResponse:
    """Answer with pieces, none of them empty, each made in a thread when it is wanted."""
    if isinstance(request, ASGIRequest):
        body = _asynchronous(pieces)
        return StreamingHttpResponse(body, content_type=content_type, headers=dict(headers))
    return StreamingHttpResponse(pieces, content_type=content_type, headers=dict(headers))


def takes_gzip(header: str) -> bool:
    """Tell whether an Accept-Encoding names gzip, or all, with a quality above 0."""
    return _TAKES_GZIP.search(header.lower()) is not None


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


async def _asynchronous(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await in_thread(lambda: next(pieces, b"")):
        yield piece
