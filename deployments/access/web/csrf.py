"""The token against forged requests: an HMAC bound to the session."""

import hmac

from django.conf import settings
from django.http import HttpRequest

COOKIE = "Octopus-Csrf-Token"
HEADER = "X-Octopus-Csrf-Token"
FIELDS = ("csrf_token", "csrfmiddlewaretoken")


def token_of(session_key: str) -> str:
    """Return the token of one session; it tells nothing about the session's key."""
    secret = f"octopus csrf {settings.SECRET_KEY}".encode()
    return hmac.new(secret, session_key.encode(), "sha256").hexdigest()


def token_of_request(request: HttpRequest) -> str:
    """Return the token for forms of this request's session; empty without a session."""
    session = getattr(request, "session", None)
    return token_of(session.session_key) if session is not None and session.session_key else ""


def sent_token(request: HttpRequest) -> str:
    """Return the token that came in the header or, outside the API, in a form field."""
    if header := request.headers.get(HEADER, ""):
        return header
    if request.path_info.lower().startswith("/api"):
        return ""  # its bodies are not forms, whatever their Content-Type says
    return next((request.POST[name] for name in FIELDS if name in request.POST), "")
