"""Plain HTTP requests to the server over http.client; blocking, so callers use a thread."""

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from agent.runtime.tls import context_for

TIMEOUT = 30.0
MAX_ANSWER = 64 * 1024 * 1024


class HttpError(Exception):
    """The server answered with an error, or could not be reached (`status` 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The REST side of the server and how to trust it."""

    url: str
    pin: str | None = None
    ca_file: str | None = None
    allow_plain: bool = False

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection that opens with the first request."""
        context = context_for(
            self.url, pin=self.pin, ca_file=self.ca_file, allow_plain=self.allow_plain
        )
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if context is None:
            return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT)
        return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT, context=context)

    def path(self, path: str) -> str:
        """Return the path below the server's own base path."""
        return urlsplit(self.url).path.rstrip("/") + path


def request_json(
    endpoint: Endpoint,
    method: str,
    path: str,
    headers: dict[str, str],
    body: dict[str, Any] | bytes | None = None,
) -> Any:
    """Send a request and return the decoded answer; HttpError with the server's own message.

    A body of bytes is sent as it is, any other as JSON.
    """
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    sent = {"Accept": "application/json", **headers}
    if isinstance(body, dict):
        sent["Content-Type"] = "application/json"
    status, answer = request_bytes(endpoint, method, path, sent, data)
    try:
        return json.loads(answer) if answer else None
    except ValueError as problem:
        raise HttpError(status, f"{endpoint.url} did not answer with JSON") from problem


def request_bytes(
    endpoint: Endpoint,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes | None = None,
) -> tuple[int, bytes]:
    """Send a request and return status and body; HttpError for every status but 2xx."""
    connection = endpoint.connect()
    try:
        connection.request(method, endpoint.path(path), body=body, headers=headers)
        response = connection.getresponse()
        answer = response.read(MAX_ANSWER + 1)
    except (OSError, http.client.HTTPException) as problem:
        raise HttpError(0, f"{endpoint.url} cannot be reached: {explain(problem)}") from problem
    finally:
        connection.close()
    if len(answer) > MAX_ANSWER:
        raise HttpError(response.status, "the answer is too long")
    if not 200 <= response.status < 300:  # noqa: PLR2004
        raise HttpError(response.status, _message(response.status, response.reason, answer))
    return response.status, answer


def explain(problem: Exception) -> str:
    """Return a short text for a failed connection."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return problem.verify_message if hasattr(problem, "verify_message") else str(problem)
    return str(problem) or type(problem).__name__


def _message(status: int, reason: str, answer: bytes) -> str:
    try:
        values = json.loads(answer)
        errors = [str(item) for item in values.get("Errors") or []]
        return " ".join([str(values["ErrorMessage"]), *errors])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{status} {reason}"
