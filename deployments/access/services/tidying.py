"""Forgetting what has ended, and telling of API keys that end soon."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from deployments.access.models import ApiKey, Invitation
from deployments.access.signing_in.session_store import SessionStore
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now

# Notice given -> (how long before the end, category, words). The nearest that is due counts.
NOTICES: Final = {
    1: (timedelta(days=20), "ApiKeyExpiresIn20Days", "expires in less than 20 days"),
    2: (timedelta(days=10), "ApiKeyExpiresIn10Days", "expires in less than 10 days"),
    3: (timedelta(0), "ApiKeyExpired", "has expired"),
}
_MOST = 1000


def tidy(*, clock: Clock = utc_now) -> None:
    """Delete sessions and invitations that have ended; record which keys end."""
    SessionStore.clear_expired()
    Invitation.objects.filter(expires__lte=clock()).delete()
    notice_keys(now=clock())


def notice_keys(*, now: datetime) -> None:
    """Record once for each notice that a key ends soon, or has ended."""
    for notice, (before, category, words) in sorted(NOTICES.items(), reverse=True):
        due = ApiKey.objects.filter(
            expires__lte=now + before, notice__lt=notice, user__is_active=True
        )
        for key in due.select_related("user").order_by("pk")[:_MOST]:
            _notice(key, notice, category, words)


def _notice(key: ApiKey, notice: int, category: str, words: str) -> None:
    with transaction.atomic():
        rows = ApiKey.objects.filter(pk=key.pk, notice__lt=notice)
        if not rows.update(notice=notice):
            return  # another worker told of it
        events.record(
            actor=Actor.system("API keys that end"),
            space=None,
            category=category,
            message=f"API key {key.hint}… of {key.user.username} for {key.purpose} {words}",
            subject=key.public_id,
            related=[key.user.public_id],
        )
