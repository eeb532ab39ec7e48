"""Stored bytes as a response: streamed, with a strong ETag and ranges."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from packages_feed.models import PackageVersion
from packages_feed.storage import package_storage

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})\Z")
CONTENT_TYPE = "application/octet-stream"


def package_response(request: HttpRequest, version: PackageVersion) -> HttpResponseBase:
    """Answer with the package's bytes, or the part that the request's Range names."""
    name = f"{version.package_id}.{version.version}{version.extension}"
    return blob_response(request, version.blob_id, version.size, name)


def blob_response(request: HttpRequest, sha256: str, size: int, name: str) -> HttpResponseBase:
    """Answer with stored bytes as a file of that name, or the part that the Range names."""
    etag = f'"{sha256}"'
    if _names(request.headers.get("If-None-Match", ""), etag):
        return _with_headers(HttpResponse(status=304), name, etag)
    chosen = _range(request, size, etag)
    if chosen is None:
        response = HttpResponse(status=416)
        response.headers["Content-Range"] = f"bytes */{size}"
        return response
    start, length, is_part = chosen
    body = _body(request, sha256, start, length)
    if is_part:
        body.status_code = 206
        body.headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    body.headers["Content-Length"] = str(length)
    return _with_headers(body, name, etag)


def _body(request: HttpRequest, sha256: str, start: int, length: int) -> HttpResponseBase:
    if request.method == "HEAD":
        return HttpResponse(content_type=CONTENT_TYPE)
    pieces = package_storage().open(sha256, start=start, length=length)
    if isinstance(request, ASGIRequest):
        return StreamingHttpResponse(_asynchronous(pieces), content_type=CONTENT_TYPE)
    return StreamingHttpResponse(pieces, content_type=CONTENT_TYPE)


async def _asynchronous(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read in a thread, so that a slow disk or store holds up nobody else."""
    try:
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece
    finally:
        getattr(pieces, "close", lambda: None)()


def _with_headers(response: HttpResponseBase, name: str, etag: str) -> HttpResponseBase:
    plain = re.sub(r"[^A-Za-z0-9._+-]", "_", name)
    response.headers["ETag"] = etag
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    )
    return response


def _range(request: HttpRequest, size: int, etag: str) -> tuple[int, int, bool] | None:
    """Return start, length and whether it is a part; None for a range outside the file.

    What is not one range of bytes is ignored, and so is one of an older version of the file.
    """
    match = _RANGE.match(request.headers.get("Range", "").strip())
    condition = request.headers.get("If-Range", "")
    if match is None or match.groups() == ("", "") or (condition and condition != etag):
        return 0, size, False
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < int(first):
            return 0, size, False
    if start >= size or (not first and int(last) == 0):
        return None
    return start, end - start + 1, True


def _names(header: str, etag: str) -> bool:
    texts = (text.strip().removeprefix("W/") for text in header.split(","))
    return any(text in (etag, "*") for text in texts)
