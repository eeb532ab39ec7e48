"""Who sent a request: by API key, access token, Basic credentials or a session."""

import base64
from collections.abc import Callable
from datetime import datetime

from django.contrib.auth import authenticate, get_user
from django.http import HttpRequest  # noqa: TID251 it reads requests, it does not answer

from deployments.access.actors import actor_of
from deployments.access.credentials import valid_key
from deployments.access.models import BrowserSession, User
from deployments.access.providers.access_tokens import looks_like_token, token_holder
from deployments.access.services.second_factors import need_after_password
from deployments.access.signing_in.session_store import SessionStore, digest
from deployments.access.spaces import default_space, space_beside
from deployments.base.actor import Actor, Authentication
from deployments.base.clock import utc_now
from deployments.base.errors import NotAuthenticated
from deployments.base.models import Space

# Each request is asked for them more than once; `request.headers` costs more than all the looks.
_KEYS = ("HTTP_X_OCTOPUS_APIKEY", "HTTP_X_NUGET_APIKEY")


class WrongCredential(NotAuthenticated):
    """A credential was sent and it is not good."""

    def __init__(self) -> None:
        super().__init__("The API key or the credentials you provided were not valid.")


def authenticate_request(request: HttpRequest, *, basic: bool = False) -> Actor | None:
    """Return who sent the request, or None when it carries no credential.

    With `basic` (feed routes only) Basic credentials count too: a password, or an API key as the
    password. Raises WrongCredential; a wrong key never falls back to the session.
    """
    key = sent_key(request)
    if key:
        return _key_actor(request, key, "ApiKey")
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if basic and header[:6].lower() == "basic ":
        return _basic(request, header[6:])
    user = get_user(request) if hasattr(request, "session") else None
    if not isinstance(user, User):
        return None
    if isinstance(request.session, SessionStore):
        request.session.seen(request.META.get("REMOTE_ADDR", ""))
    return _actor(request, user, "Session")


def credential_check(request: HttpRequest) -> Callable[[], bool]:
    """Return a question for answers that go on for long: is the request's credential still good?"""
    if key := sent_key(request):
        if looks_like_token(key):
            return lambda: token_holder(key) is not None
        return lambda: valid_key(key) is not None
    row = digest(request.session.session_key or "")
    rows = BrowserSession.objects.filter(pk=row, user__is_active=True)
    return lambda: rows.filter(expire_date__gt=utc_now()).exists()


def actor_of_request(request: HttpRequest) -> Actor | None:
    """Return `authenticate_request` of a request, worked out once; raises WrongCredential."""
    known: tuple[Actor | None, WrongCredential | None] | None
    known = getattr(request, "actor_result", None)
    if known is None:
        try:
            known = (authenticate_request(request), None)
        except WrongCredential as error:
            known = (None, error)
        request.actor_result = known  # type: ignore[attr-defined]  # kept beside Django's own
    actor, refusal = known
    if refusal is not None:
        raise refusal
    return actor


def default_space_of(request: HttpRequest) -> Space | None:
    """Return the default space, which may have been read with the request's key."""
    found: Space | None = getattr(request, "default_space", None)
    return found or default_space()


def sent_key(request: HttpRequest) -> str:
    """Return the API key or token that the request carries in a header or its query, or nothing."""
    return key_in_headers(request) or next(
        (texts[-1] for name, texts in request.GET.lists() if name.lower() == "apikey" and texts),
        "",
    )


def key_in_headers(request: HttpRequest) -> str:
    """Return the API key or token of a header, which no form or link of another site can send."""
    for name in _KEYS:
        if key := request.META.get(name, "").strip():
            return str(key)
    scheme, _, token = str(request.META.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return ""


def _basic(request: HttpRequest, encoded: str) -> Actor:
    try:
        username, _, password = base64.b64decode(encoded).decode().partition(":")
    except ValueError as error:  # neither base64 nor UTF-8 nor, in the header, ASCII
        raise WrongCredential from error
    if password.startswith("API-"):
        return _key_actor(request, password, "Basic")
    user = authenticate(request, username=username, password=password, in_parallel=True)
    if not isinstance(user, User) or need_after_password(user):
        raise WrongCredential  # a password alone must not do here what it does nowhere else
    return _actor(request, user, "Basic")


def _key_actor(request: HttpRequest, key: str, how: Authentication) -> Actor:
    if looks_like_token(key):
        holder = token_holder(key)
        user, expires = (holder.user, holder.expires) if holder else (None, None)
        return _actor(request, user, "Token", expires=expires)
    row = valid_key(key)
    if row is None:
        raise WrongCredential
    request.default_space = space_beside(row.default_space)  # type: ignore[attr-defined]  # likewise
    credential = f"{row.hint}… ({row.purpose})"
    return _actor(request, row.user, how, expires=row.expires, credential=credential)


def _actor(
    request: HttpRequest,
    user: User | None,
    how: Authentication,
    *,
    expires: datetime | None = None,
    credential: str = "",
) -> Actor:
    if user is None:
        raise WrongCredential
    request.known_user = user  # type: ignore[attr-defined]  # spares the portal a query
    return actor_of(
        user,
        how,
        ip_address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        credential_expires=expires,
        credential=credential,
    )
