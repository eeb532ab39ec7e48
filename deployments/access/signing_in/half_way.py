"""Somebody whose password was right and whose second factor is still to come."""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest  # noqa: TID251 it reads requests, it does not answer
from django.utils.crypto import constant_time_compare

from deployments.access.models import User

_KEY: Final = "half_way"


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Who it is, and what they asked for when they sent the password."""

    user: User
    remember: bool
    wanted: str


def begin(request: HttpRequest, user: User, *, remember: bool, wanted: str) -> None:
    """Remember in a fresh session that the user's password was right."""
    request.session.flush()
    request.session[_KEY] = {
        "user": user.pk,
        "remember": remember,
        "wanted": wanted,
        "password": user.get_session_auth_hash(),
    }


def current(request: HttpRequest) -> HalfWay | None:
    """Return who is half way in this session; the session itself ends soon.

    Nobody any more when the user was deactivated or their password changed meanwhile.
    """
    kept = request.session.get(_KEY)
    if not isinstance(kept, dict):
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), kept["password"]):
        return None
    return HalfWay(user, kept["remember"], kept["wanted"])


def forget(request: HttpRequest) -> None:
    """Go back to nobody."""
    request.session.pop(_KEY, None)
