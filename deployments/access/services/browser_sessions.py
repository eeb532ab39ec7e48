"""Ending sessions of browsers."""

from django.db import transaction

from deployments.access.models import BrowserSession, IdentityProvider, User
from deployments.access.services.guards import require_over_user
from deployments.base import events
from deployments.base.actor import Actor


def end_session(*, actor: Actor, session: BrowserSession) -> None:
    """Sign one browser of a user out."""
    user = session.user
    if user is None:
        return
    _require_may(actor, user)
    with transaction.atomic():
        session.delete()
        _record(actor, user, f"A session of {user.username} was ended")


def end_sessions(*, actor: Actor, user: User, keep: str = "") -> int:
    """Sign the user out of every browser; `keep` is the row of the one that stays.

    Returns how many sessions ended.
    """
    _require_may(actor, user)
    with transaction.atomic():
        ended = drop_sessions(user, keep=keep)
        _record(actor, user, f"Sessions of {user.username} were ended")
    return ended


def drop_sessions(user: User, *, keep: str = "") -> int:
    """Delete sessions as a part of what another service records."""
    rows = BrowserSession.objects.filter(user=user).exclude(pk=keep)
    return int(rows.delete()[0])


def drop_sessions_of_provider(provider: IdentityProvider) -> None:
    """Delete the sessions that its people began by a provider, as a part of what is recorded."""
    people = User.objects.filter(external_logins__provider=provider)
    BrowserSession.objects.filter(method="provider", user__in=people).delete()


def _require_may(actor: Actor, user: User) -> None:
    if actor.user_id != user.pk:
        require_over_user(actor, user)


def _record(actor: Actor, user: User, message: str) -> None:
    events.record(
        actor=actor, space=None, category="Modified", message=message, subject=user.public_id
    )
