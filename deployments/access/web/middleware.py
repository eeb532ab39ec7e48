"""Who sends a request, and that a browser meant to send it."""

import hmac
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import SimpleLazyObject

from deployments.access.grants import held_for_a_while
from deployments.access.identity import WrongCredential, actor_of_request, key_in_headers
from deployments.access.models import User
from deployments.access.web import csrf
from deployments.base.actor import Actor
from deployments.base.settings_rows import usual_settings_held

Next = Callable[[HttpRequest], HttpResponse]
READS: Final = {"GET", "HEAD", "OPTIONS", "TRACE"}
"""Methods that change nothing."""
_REFUSED = (
    "A required anti-forgery token was not supplied or was not valid."
    f" Send the value of the cookie {csrf.COOKIE} in the header {csrf.HEADER}."
)


class AuthenticationMiddleware:
    """Set `request.actor` (Actor or None) and `request.user`; load grants once per request.

    Both are lazy. A wrong API key makes the actor None; API views then answer 401.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = SimpleLazyObject(lambda: _actor(request))  # type: ignore[attr-defined]
        request.user = SimpleLazyObject(lambda: _user(request))  # type: ignore[assignment]
        with held_for_a_while(), usual_settings_held():
            return self.get_response(request)


class CsrfMiddleware:
    """Refuse writes that a session's cookie alone vouches for."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in READS and not _is_trusted(request):
            return refusal(request)
        response = self.get_response(request)
        _set_cookie(request, response)
        return response


def refusal(request: HttpRequest) -> HttpResponse:
    """Return the answer to a write without the session's token."""
    if request.path_info.lower().startswith("/api"):
        return JsonResponse({"ErrorMessage": _REFUSED}, status=403)
    text = "This form is out of date. Go back, reload the page and try again."
    return HttpResponse(text, status=403, content_type="text/plain; charset=utf-8")


def _is_trusted(request: HttpRequest) -> bool:
    if key_in_headers(request):
        return True  # no browser adds one by itself; one in the query could be of any site's form
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        # Signing in: nothing to protect but the choice of account. Or a key in the query.
        return request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}
    expected = csrf.token_of_request(request)
    return bool(expected) and hmac.compare_digest(
        csrf.sent_token(request).encode(), expected.encode()
    )


def _set_cookie(request: HttpRequest, response: HttpResponse) -> None:
    session = getattr(request, "session", None)
    if session is None or not session.accessed:
        return
    expected = csrf.token_of_request(request) if not session.is_empty() else ""
    if not expected:
        if csrf.COOKIE in request.COOKIES:
            response.delete_cookie(csrf.COOKIE, samesite="Lax")
    elif request.COOKIES.get(csrf.COOKIE) != expected:
        response.set_cookie(
            csrf.COOKIE,
            expected,
            max_age=settings.SESSION_COOKIE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )


def _actor(request: HttpRequest) -> Actor | None:
    try:
        return actor_of_request(request)
    except WrongCredential:
        return None


def _user(request: HttpRequest) -> User | AnonymousUser:
    actor = _actor(request)
    number = (actor.user_id if actor else None) or 0
    user = User.objects.filter(pk=number).first() if number else None
    return user or AnonymousUser()
