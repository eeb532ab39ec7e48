"""Errors as JSON; every failure of an /api path passes here."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response

from deployments.base.errors import (
    AT_THE_SAME_MOMENT,
    Conflict,
    Invalid,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    OctopusError,
    Unavailable,
)

log = structlog.get_logger(__name__)

PROBLEM = "There was a problem with your request."
_NUL = "NUL (0x00)"  # in the text of the driver's error


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """Turn an exception of a view into its answer (Django REST framework's hook)."""
    status, body = describe(error)
    if status >= 500:  # noqa: PLR2004 a limit named by this rule alone
        log.error("request failed", exc_info=error)
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return Response(body, status=status, headers=headers)


def describe(error: BaseException) -> tuple[int, dict[str, Any]]:  # noqa: PLR0911 a table
    """Return the status and the JSON body for an error."""
    if isinstance(error, Invalid):
        return (409 if isinstance(error, Conflict) else 400), _invalid(error)
    if isinstance(error, OctopusError):
        return _status(error), {"ErrorMessage": error.message}
    if isinstance(error, Http404):
        return 404, {"ErrorMessage": NotFound().message}
    if isinstance(error, PermissionDenied):
        return 403, {"ErrorMessage": str(error) or "You may not do this."}
    if isinstance(error, UnreadablePostError):
        return 400, {"ErrorMessage": "The request ended before its body did."}
    if isinstance(error, RequestDataTooBig):
        return 413, {"ErrorMessage": "The request body is too large."}
    if isinstance(error, SuspiciousOperation | exceptions.ParseError):
        text = str(error) or "The request could not be read."
        return 400, {"ErrorMessage": PROBLEM, "Errors": [text]}
    if isinstance(error, exceptions.MethodNotAllowed):
        return 405, {"ErrorMessage": str(error.detail)}
    if isinstance(error, exceptions.APIException):
        return error.status_code, {"ErrorMessage": str(error.detail)}
    if (refusal := _of_database(error)) is not None:
        status, text = refusal
        return status, {"ErrorMessage": PROBLEM, "Errors": [text]}
    return 500, unexpected()


def _of_database(error: BaseException) -> tuple[int, str] | None:
    """Return status and sentence for what the database refused; None for anything else."""
    # Both are IntegrityErrors as well.
    if isinstance(error, ProtectedError | RestrictedError):
        return 400, "This cannot be deleted because other things still use it."
    if isinstance(error, IntegrityError):
        return 409, AT_THE_SAME_MOMENT
    if isinstance(error, DataError) or (isinstance(error, ValueError) and _NUL in str(error)):
        return 400, "A value is too long, out of range or has characters that cannot be stored."
    return None


def unexpected() -> dict[str, Any]:
    """Return the body for an error of ours: the request id, never a traceback."""
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    return {
        "ErrorMessage": "The server met an unexpected error."
        f" Its log has the details under the request id {request_id}.",
        "RequestId": request_id,
    }


def _status(error: OctopusError) -> int:
    if isinstance(error, NotAuthenticated):
        return 401
    if isinstance(error, NotPermitted):
        return 403
    if isinstance(error, NotFound):
        return 404
    return 503 if isinstance(error, Unavailable) else 400


def _invalid(error: Invalid) -> dict[str, Any]:
    body: dict[str, Any] = {"ErrorMessage": PROBLEM, "Errors": list(error.errors)}
    if error.fields:
        body["Details"] = {name: list(texts) for name, texts in error.fields.items()}
    return body
