"""Fetch one package by its SHA-256, continuing a broken transfer; blocking."""

import hashlib
import http.client
import os
import threading
from pathlib import Path

from agent.runtime.http import Endpoint, HttpError, explain

_BLOCK = 256 * 1024


class Cancelled(Exception):
    """The caller does not want the file any more."""


class WrongContent(Exception):
    """The bytes that came are not the ones that were named; the partial file is gone."""


def download(
    endpoint: Endpoint, credential: str, sha256: str, target: Path, stop: threading.Event
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
        connection.request("GET", endpoint.path(f"/agent/v1/packages/{sha256}"), headers=headers)
        response = connection.getresponse()
        if response.status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            response.read()
        elif response.status == http.HTTPStatus.OK:
            _receive(response, partial, tag_file, 0, stop)
        elif response.status == http.HTTPStatus.PARTIAL_CONTENT:
            _receive(response, partial, tag_file, have, stop)
        else:
            raise HttpError(response.status, f"package: {response.status} {response.reason}")
    except http.client.HTTPException as problem:
        raise HttpError(0, f"package: {explain(problem)}") from problem
    finally:
        connection.close()
    _finish(partial, tag_file, target, sha256)


def hash_file(path: Path) -> str:
    """Return the SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        raise HttpError(0, f"package: {response.length} bytes are missing")


def _finish(partial: Path, tag_file: Path, target: Path, sha256: str) -> None:
    found = hash_file(partial) if partial.exists() else ""
    tag_file.unlink(missing_ok=True)
    if found != sha256:
        partial.unlink(missing_ok=True)
        raise WrongContent(f"the package has SHA-256 {found}, expected {sha256}")
    partial.replace(target)
