"""Fetch a file of the server by its SHA-256, continuing a broken transfer."""

import asyncio
import http.client
import os
import threading
from pathlib import Path

from agent.runtime.hashing import hash_file
from agent.runtime.http import Endpoint, HttpError, explain

_BLOCK = 256 * 1024
_ATTEMPTS = 6
_CLIENT_ERRORS = range(400, 500)


class Cancelled(Exception):
    """The caller does not want the file any more."""


class WrongContent(Exception):
    """The bytes that came are not the ones that were named; the partial file is gone."""


async def fetch(
    endpoint: Endpoint,
    credential: str,
    path: str,
    sha256: str,
    target: Path,
    attempts: int | None = None,
) -> None:
    """Download in a thread, several times if need be; raises as `download` does."""
    stop = threading.Event()
    attempts = attempts or _ATTEMPTS
    for attempt in range(attempts):
        try:
            work = asyncio.to_thread(download, endpoint, credential, path, sha256, target, stop)
            await asyncio.shield(asyncio.ensure_future(work))
        except asyncio.CancelledError:
            stop.set()
            raise
        except (HttpError, WrongContent, ConnectionError, TimeoutError) as problem:
            refused = isinstance(problem, HttpError) and problem.status in _CLIENT_ERRORS
            if refused or attempt == attempts - 1:
                raise
            await asyncio.sleep(min(10.0, 0.25 * 2**attempt))
        else:
            return


def download(
    endpoint: Endpoint,
    credential: str,
    path: str,
    sha256: str,
    target: Path,
    stop: threading.Event,
) -> None:
    """Fetch into `target`, from where an earlier attempt ended if the server still has the same.

    Raises HttpError, OSError (disk), WrongContent, Cancelled. The partial file stays for the next
    attempt except after WrongContent.
    """
    partial = target.with_name(target.name + ".part")
    tag_file = target.with_name(target.name + ".etag")
    headers = {"Authorization": f"Bearer {credential}", "Accept-Encoding": "identity"}
    have = _resumable(partial, tag_file, headers)
    connection = endpoint.connect()
    try:
        connection.request("GET", endpoint.path(path), headers=headers)
        response = connection.getresponse()
        if response.status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            response.read()
        elif response.status == http.HTTPStatus.OK:
            _receive(response, partial, tag_file, 0, stop)
        elif response.status == http.HTTPStatus.PARTIAL_CONTENT:
            _receive(response, partial, tag_file, have, stop)
        else:
            raise HttpError(response.status, f"{path}: {response.status} {response.reason}")
    except http.client.HTTPException as problem:
        raise HttpError(0, f"{path}: {explain(problem)}") from problem
    finally:
        connection.close()
    _finish(partial, tag_file, target, sha256)


def _resumable(partial: Path, tag_file: Path, headers: dict[str, str]) -> int:
    try:
        tag, have = tag_file.read_text(), partial.stat().st_size
    except OSError:
        return 0
    if not have or not tag.startswith('"'):
        return 0
    headers["Range"] = f"bytes={have}-"
    headers["If-Range"] = tag
    return have


def _receive(
    response: http.client.HTTPResponse,
    partial: Path,
    tag_file: Path,
    start: int,
    stop: threading.Event,
) -> None:
    # The tag first: bytes without the tag that belongs to them are never continued.
    tag_file.unlink(missing_ok=True)
    with partial.open("r+b" if start else "wb") as file:
        file.truncate(start)
        file.seek(start)
        tag_file.write_text(response.headers.get("ETag", ""))
        while block := response.read(_BLOCK):
            if stop.is_set():
                raise Cancelled
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if response.length:
        raise HttpError(0, f"{response.length} bytes are missing")


def _finish(partial: Path, tag_file: Path, target: Path, sha256: str) -> None:
    found = hash_file(partial) if partial.exists() else ""
    tag_file.unlink(missing_ok=True)
    if found != sha256:
        partial.unlink(missing_ok=True)
        raise WrongContent(f"what came has SHA-256 {found}, expected {sha256}")
    partial.replace(target)
