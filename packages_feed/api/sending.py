"""Stored bytes as a response: streamed, or left to the proxy or the store to send.

With a strong ETag and ranges; who asked must have been checked before.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from packages_feed.models import PackageVersion
from packages_feed.storage import package_storage
from packages_feed.storage.base import BINARY, as_file, place_of

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})\Z")
# What a proxy says of itself in X-Sendfile-Type, which is also the header it obeys.
PROXIES = ("X-Accel-Redirect", "X-Sendfile")
INTERNAL = "/octopus-stored-files/"
"""Where nginx has the folder `packages` of the storage; docs/production.md has its settings."""


def package_response(
    request: HttpRequest, version: PackageVersion, *, may_redirect: bool = False
) -> HttpResponseBase:
    """Answer with the package's bytes, or the part that the request's Range names."""
    name = f"{version.package_id}.{version.version}{version.extension}"
    return blob_response(request, version.blob_id, version.size, name, may_redirect=may_redirect)


def blob_response(
    request: HttpRequest, sha256: str, size: int, name: str, *, may_redirect: bool = False
) -> HttpResponseBase:
    """Answer with stored bytes as a file of that name, or the part that the Range names.

    With `may_redirect` the client follows to another host where the storage gives addresses.
    """
    etag = f'"{sha256}"'
    if _names(request.headers.get("If-None-Match", ""), etag):
        return _with_headers(HttpResponse(status=304), name, etag)
    elsewhere = _sent_elsewhere(request, sha256, name, may_redirect=may_redirect)
    if elsewhere is not None:
        return _with_headers(elsewhere, name, etag)
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


def _sent_elsewhere(
    request: HttpRequest, sha256: str, name: str, *, may_redirect: bool
) -> HttpResponse | None:
    """Return an answer without the bytes, which the proxy or the store sends, ranges as well."""
    if request.method != "GET":
        return None
    storage = package_storage()
    if may_redirect and (address := storage.address(sha256, name)):
        return HttpResponse(status=302, headers={"Location": address})
    proxy = _proxy(request)
    path = storage.local_path(sha256) if proxy else None
    if path is None:
        return None
    inside = place_of(sha256).removeprefix("packages/")
    where = INTERNAL + inside if proxy == "X-Accel-Redirect" else str(path)
    return HttpResponse(content_type=BINARY, headers={proxy: where})


def _proxy(request: HttpRequest) -> str:
    """Return how the proxy in front sends files: what it says must be what the settings say.

    Agents and scripts may come past the proxy; nobody but them would miss the bytes then.
    """
    told = request.headers.get("X-Sendfile-Type", "").lower()
    allowed = settings.OCTOPUS.send_files.lower()
    return next((name for name in PROXIES if name.lower() == told == allowed), "")


def _body(request: HttpRequest, sha256: str, start: int, length: int) -> HttpResponseBase:
    if request.method == "HEAD":
        return HttpResponse(content_type=BINARY)
    pieces = package_storage().open(sha256, start=start, length=length)
    if isinstance(request, ASGIRequest):
        return StreamingHttpResponse(_asynchronous(pieces), content_type=BINARY)
    return StreamingHttpResponse(pieces, content_type=BINARY)


async def _asynchronous(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read in a thread, so that a slow disk or store holds up nobody else."""
    try:
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece
    finally:
        getattr(pieces, "close", lambda: None)()


def _with_headers(response: HttpResponseBase, name: str, etag: str) -> HttpResponseBase:
    response.headers["ETag"] = etag
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Disposition"] = as_file(name)
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
