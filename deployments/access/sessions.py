"""Signing in and out of a browser session."""

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest  # noqa: TID251 it reads requests, it does not answer

from deployments.access.actors import actor_of
from deployments.access.models import User
from deployments.access.throttle import canonical
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid

_WRONG = "Invalid username or password."


def sign_in(request: HttpRequest, *, username: str, password: str, remember: bool = False) -> User:
    """Start a session; raises Invalid with one message for every kind of failure."""
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        _record(
            _nobody(request, username), "LoginFailed", f"Signing in as {_shown(username)} failed"
        )
        raise Invalid(_WRONG)
    login(request, user)
    if not remember:
        request.session.set_expiry(0)
    actor = actor_of(
        user,
        "Session",
        ip_address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.headers.get("User-Agent", ""),
    )
    request.actor_result = (actor, None)  # type: ignore[attr-defined]  # see identity.py
    _record(actor, "LoginSucceeded", f"{user.username} signed in", user.public_id)
    return user


def sign_out(request: HttpRequest) -> None:
    """End the session."""
    logout(request)
    request.actor_result = (None, None)  # type: ignore[attr-defined]  # see identity.py


def _nobody(request: HttpRequest, username: str) -> Actor:
    return Actor(
        None,
        _shown(username),
        _shown(username),
        "Session",
        ip_address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.headers.get("User-Agent", ""),
    )


def _shown(username: str) -> str:
    return canonical(username) or "nobody"


def _record(actor: Actor, category: str, message: str, subject: str = "") -> None:
    events.record(actor=actor, space=None, category=category, message=message, subject=subject)
