"""The frame of every NuGet view: who asks, which space, and errors as clients understand them."""

import base64
import re
from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from deployments.access.identity import (
    WrongCredential,
    actor_of_request,
    authenticate_request,
    default_space_of,
    sent_key,
)
from deployments.access.permissions import Permission
from deployments.access.rules import ANONYMOUS, Rule
from deployments.access.spaces import space_by_id
from deployments.base.actor import Actor
from deployments.base.api.query import Query
from deployments.base.errors import NotFound, OctopusError
from deployments.base.models import Space
from packages_feed.nuget.answers import challenge, error_response, refused
from packages_feed.services.permissions import require_somewhere
from packages_feed.storage import BlobMissing, StorageFailed

log = structlog.get_logger(__name__)

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?\Z|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?\Z")


class FeedRequest:
    """What a view needs: actor, space, query, and the absolute address of the feed."""

    def __init__(self, request: HttpRequest, actor: Actor, space: Space, root: str) -> None:
        self.http = request
        self.actor = actor
        self.space = space
        self.query = Query(request.GET)
        self._root = root

    @cached_property
    def base(self) -> str:
        """Absolute, without a slash at its end: `https://host/nuget` or with a space."""
        return f"{server_address(self.http)}/{self._root}"

    def text(self, name: str, default: str = "") -> str:
        return self.query.text(name, default)


View = Callable[..., HttpResponseBase]
_ANONYMOUS = Actor(None, "anonymous", "Anonymous", "Session")


def feed_view(
    rule: Permission | Rule, *methods: str
) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """Make a view of `view(feed, **ids)` for those whom the rule admits."""

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def called(request: HttpRequest, root: str, **ids: Any) -> HttpResponseBase:
            if request.method not in methods:
                response = refused(405, f"{request.method} is not allowed here")
                response.headers["Allow"] = ", ".join(methods)
                return response
            try:
                actor = _ANONYMOUS if rule is ANONYMOUS else _who(request)
                if actor is None:
                    return challenge()
                feed = FeedRequest(request, actor, _space(request, ids.pop("space", None)), root)
                if isinstance(rule, Permission):
                    require_somewhere(feed.actor, feed.space, rule)
                return view(feed, **ids)
            except WrongCredential:
                return _wrong_credential(request)
            except (OctopusError, StorageFailed, BlobMissing) as error:
                if isinstance(error, StorageFailed | BlobMissing):
                    log.exception("package storage failed")
                return error_response(error)

        called.csrf_exempt = True  # type: ignore[attr-defined]  # keys only, no cookies
        return called

    return decorate


def _who(request: HttpRequest) -> Actor | None:
    """Return who asks; a session's cookie does not count here, an empty Basic user is nobody."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if sent_key(request):
        return actor_of_request(request)
    if header[:6].lower() != "basic " or _is_empty(header[6:]):
        return None
    return authenticate_request(request, basic=True)


def _is_empty(encoded: str) -> bool:
    """Tell whether these are the empty name and password of a client that has none."""
    try:
        return base64.b64decode(encoded).strip() == b":"
    except ValueError:
        return False


def _wrong_credential(request: HttpRequest) -> HttpResponse:
    """A wrong key ends the matter; for a wrong password the client may ask its user again."""
    if sent_key(request):
        return refused(403, "The API key is not valid")
    return challenge()


def _space(request: HttpRequest, text: str | None) -> Space:
    space = space_by_id(text) if text else default_space_of(request)
    if space is None:
        raise NotFound("There is no such space")
    return space


def server_address(request: HttpRequest) -> str:
    """Return scheme and host as the client sees them, from the proxy's headers or the request."""
    configured = str(settings.OCTOPUS.server_url)
    forwarded = request.headers.get("X-Forwarded-Host", "").split(",")[0].strip()
    try:
        host = forwarded or request.get_host()
    except DisallowedHost:
        return configured
    if not _HOST.match(host):
        return configured
    if urlsplit(configured).netloc.lower() == host.lower():
        return configured
    scheme = request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower()
    return f"{scheme if scheme in {'http', 'https'} else request.scheme}://{host}"
