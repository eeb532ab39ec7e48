"""Answers to NuGet clients, which show nothing of an error but its reason phrase."""

import re

from django.http import HttpRequest, HttpResponse, JsonResponse

from deployments.base.api.errors import describe
from deployments.base.errors import Invalid, OctopusError
from packages_feed.ingest import TooLarge
from packages_feed.storage import BlobMissing, StorageFailed

REASON_HEADER = "X-Octopus-Reason"
WARNING_HEADER = "X-NuGet-Warning"
REALM = 'Basic realm="Octopus"'
_MOST_REASON = 400
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def error_response(error: BaseException) -> HttpResponse:
    """Return the answer for an error, its text as reason phrase, warning and body."""
    status, body = describe(error)
    if isinstance(error, TooLarge):
        status = 413
    elif isinstance(error, StorageFailed):
        status, body = 503, {"ErrorMessage": str(error)}
    elif isinstance(error, BlobMissing):
        status, body = 404, {"ErrorMessage": "The file of this package is missing in the storage."}
    text = error.errors[0] if isinstance(error, Invalid) and error.errors else ""
    if isinstance(error, OctopusError) and not text:
        text = error.message
    return refused(status, text or body["ErrorMessage"])


def refused(status: int, text: str) -> HttpResponse:
    """Return an error answer that says the text in every place where a client may look."""
    response = JsonResponse({"ErrorMessage": text, "Errors": [text]}, status=status)
    phrase = one_line(text)
    response.headers[REASON_HEADER] = phrase.rstrip(".")
    response.headers[WARNING_HEADER] = phrase
    return response


def challenge() -> HttpResponse:
    """Ask for credentials."""
    response = refused(401, "An API key or a user name and password are required")
    response.headers["WWW-Authenticate"] = REALM
    return response


def one_line(text: str) -> str:
    """Return the text as one line of plain ASCII, fit for a header."""
    return _UNPRINTABLE.sub(" ", text).strip()[:_MOST_REASON]


def is_for_reading(request: HttpRequest) -> bool:
    return request.method in {"GET", "HEAD"}
