"""Signing in and out of a browser session."""

from typing import Final

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest  # noqa: TID251 it reads requests, it does not answer

from deployments.access.actors import actor_of
from deployments.access.models import User
from deployments.access.services.second_factors import check_code, need_after_password
from deployments.access.services.sign_in_rules import sign_in_rules
from deployments.access.signing_in import half_way
from deployments.access.signing_in.session_store import SessionStore
from deployments.access.signing_in.throttle import canonical
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid

# In a session: the provider that somebody has signed in with.
PROVIDER: Final = "identity_provider"
BACKEND: Final = "deployments.access.backends.PasswordBackend"
# How a session began -> the words for it.
METHODS: Final = {
    "password": "Password",
    "code": "Password and code",
    "recovery": "Password and recovery code",
    "passkey": "Passkey",
    "provider": "Identity provider",
}
_WRONG = "Invalid username or password."


def sign_in(
    request: HttpRequest, *, username: str, password: str, remember: bool = False, code: str = ""
) -> User:
    """Start a session with a password and, where the user has a second factor, a code.

    Raises Invalid.
    """
    user = check_password(request, username=username, password=password)
    need, method = need_after_password(user), "password"
    if need == "set_up":
        raise Invalid("This server demands a second factor. Sign in to the portal to set one up.")
    if need == "passkey" or (need == "code" and not code):
        raise Invalid("A second factor is needed: send its code, or sign in to the portal.")
    if need == "code":
        method = check_factor(request, user, code)
    return start_session(request, user, remember=remember, method=method)


def check_factor(request: HttpRequest, user: User, code: str) -> str:
    """Return how a code proves who it is; raises Invalid and records the failure."""
    try:
        return check_code(actor=_actor(request, user), user=user, code=code)
    except Invalid:
        record_failure(request, user.username, "the second factor was wrong")
        raise


def check_password(request: HttpRequest, *, username: str, password: str) -> User:
    """Return whose name and password these are; raises Invalid and records the failure."""
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        record_failure(request, username)
        raise Invalid(_WRONG)
    return user


def start_session(
    request: HttpRequest, user: User, *, remember: bool, method: str, told: str = ""
) -> User:
    """Sign in somebody who has proved who they are; `method` is one of METHODS.

    The record tells of it in these words, or as it is `told`.
    """
    half_way.forget(request)
    login(request, user, backend=BACKEND)
    actor = _actor(request, user)
    rules, session = sign_in_rules(), request.session
    session.set_expiry(int(rules.longest.total_seconds()) if remember else 0)  # of the cookie
    if isinstance(session, SessionStore):
        session.belongs_to(
            user,
            method=method,
            ip_address=actor.ip_address,
            user_agent=actor.user_agent,
            idle=rules.idle(remember=remember),
            longest=rules.longest,
        )
    request.actor_result = (actor, None)  # type: ignore[attr-defined]  # see identity.py
    how = told or METHODS.get(method, method).lower()
    _record(actor, "LoginSucceeded", f"{user.username} signed in ({how})", user.public_id)
    return user


def sign_out(request: HttpRequest) -> None:
    """End the session."""
    logout(request)
    request.actor_result = (None, None)  # type: ignore[attr-defined]  # see identity.py


def record_failure(request: HttpRequest, username: str, what: str = "") -> None:
    """Record that somebody could not sign in with this name."""
    shown = canonical(username) or "nobody"
    text = f"Signing in as {shown} failed{f': {what}' if what else ''}"
    _record(nobody(request, shown), "LoginFailed", text)


def nobody(request: HttpRequest, name: str) -> Actor:
    """Return the actor for a visitor who has not proved who they are."""
    return Actor(
        None,
        name,
        name,
        "Session",
        ip_address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.headers.get("User-Agent", ""),
    )


def _actor(request: HttpRequest, user: User) -> Actor:
    return actor_of(
        user,
        "Session",
        ip_address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.headers.get("User-Agent", ""),
    )


def _record(actor: Actor, category: str, message: str, subject: str = "") -> None:
    events.record(actor=actor, space=None, category=category, message=message, subject=subject)
