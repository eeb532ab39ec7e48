"""Errors outside the API's views: JSON below /api, a page elsewhere; both name the request id."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template import TemplateDoesNotExist, loader
from django_htmx.middleware import HtmxDetails

from deployments.access.holders import holders_in, holders_sentence
from deployments.access.permissions import Permission
from deployments.base.api.errors import describe
from deployments.base.errors import NotAuthenticated, NotFound, NotPermitted

log = structlog.get_logger(__name__)

_SERVER_ERROR = 500


class ErrorsMiddleware:
    """Answer the exceptions that views let through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse:
        return answer(request, error)


def answer(request: HttpRequest, error: BaseException) -> HttpResponse:
    """Return the answer to a request that ended in an error."""
    status, body = describe(error)
    if status >= _SERVER_ERROR:
        log.error("request failed", exc_info=error)
    if is_api(request):
        return JsonResponse(body, status=status)
    if isinstance(error, NotAuthenticated) and request.method == "GET":
        return _to_sign_in(request)
    message = [*body.get("Errors", ()), body["ErrorMessage"]][0]
    return page(request, status, f"{message} {_whom_to_ask(request, error)}".strip())


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in page and back; a page that htmx draws a part of goes there as a whole.

    A redirect would be followed by the script, and the sign-in page stand in the middle of a board.
    """
    from urllib.parse import urlencode  # noqa: PLC0415 this branch alone needs it

    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    if not htmx:
        back = request.get_full_path()
        return HttpResponseRedirect(f"/app/sign-in?{urlencode({'next': back})}")
    address = f"/app/sign-in?{urlencode({'next': htmx.current_url_abs_path or '/app'})}"
    return HttpResponse(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": address})


def _whom_to_ask(request: HttpRequest, error: BaseException) -> str:
    """Return who has the permission that was missing, to those who may see the space's teams."""
    space, grants = getattr(request, "space", None), getattr(request, "grants", None)
    if not isinstance(error, NotPermitted) or space is None or grants is None:
        return ""
    if not grants.allows(Permission.TeamView):
        return ""
    teams = holders_in(space).anywhere(error.permission)
    return holders_sentence(teams) if teams else ""


def page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """Return an error page: the portal's template, or plain text when that fails as well."""
    request_id = getattr(request, "request_id", "")
    values = {
        "status": status,
        "title": HTTPStatus(status).phrase,
        "message": message,
        "request_id": request_id,
    }
    try:
        text = loader.render_to_string("error.html", values, request)
    except TemplateDoesNotExist:
        return _plain(status, message, request_id)
    except Exception:
        log.exception("the error page failed")
        return _plain(status, message, request_id)
    return HttpResponse(text, status=status)


def _plain(status: int, message: str, request_id: str) -> HttpResponse:
    text = f"{status} {HTTPStatus(status).phrase}\n{message}\nRequest id: {request_id}\n"
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def is_api(request: HttpRequest) -> bool:
    """Tell whether the answer must be JSON."""
    path = request.path_info.lower()
    return path == "/api" or path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return answer(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return answer(request, NotFound("There is no such page."))


def server_error(request: HttpRequest, *_: Any) -> HttpResponse:
    """Django's handler500; the error itself was logged by whoever caught it."""
    return answer(request, RuntimeError("an error outside the views"))
