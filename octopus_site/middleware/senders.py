"""Whether the sender of a request is somebody, asked before a large body is taken in."""

from collections.abc import MutableMapping
from importlib import import_module
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest

from deployments.access.identity import WrongCredential, authenticate_request
from deployments.base.errors import Invalid
from deployments.base.threads import in_thread

# Agents have credentials of their own, which their views check; their bodies are small.
_AGENTS = "/agent/"


async def sender_is_known(scope: MutableMapping[str, Any]) -> bool:
    """Tell whether the request's key, password or session is good."""
    if scope["path"].lower().startswith(_AGENTS):
        return True
    return await in_thread(lambda: is_known(scope))


def is_known(scope: MutableMapping[str, Any]) -> bool:
    """Tell the same within this thread and on its connection."""
    request = ASGIRequest(dict(scope), BytesIO())
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(
        request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    )
    try:
        return authenticate_request(request, basic=True) is not None
    except (WrongCredential, Invalid):  # Invalid: too many wrong passwords
        return False
