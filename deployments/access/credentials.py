"""Checking API keys."""

import hashlib
from datetime import timedelta

from django.db.models import Q

from deployments.access.models import ApiKey
from deployments.access.spaces import default_space_beside
from deployments.base.clock import Clock, utc_now
from deployments.base.rows import PreparedQuery
from deployments.base.settings_rows import hold_usual_settings, usual_settings_beside

# "Last used" is told to the minute; writing it at each request would make every read a write.
_LAST_USED_STEP = timedelta(minutes=1)


_KEY = PreparedQuery(
    lambda sha256: (
        ApiKey.objects.select_related("user")
        .filter(sha256=sha256)
        .defer("created", "user__created", "user__last_login", "user__password")
        .annotate(settings=usual_settings_beside(), default_space=default_space_beside())
        .order_by()
    ),
    str,
)


def digest(key: str) -> str:
    """Return what is stored of a key: its SHA-256 (keys have more than 128 random bits)."""
    return hashlib.sha256(key.encode()).hexdigest()


def valid_key(key: str, *, clock: Clock = utc_now) -> ApiKey | None:
    """Return the stored key when it is known, not expired and of an active user.

    What every request asks for next, it has beside it: `default_space` for `space_beside`.
    """
    row = _KEY.first(digest(key))
    now = clock()
    if row is None or not row.user.is_active or (row.expires and row.expires <= now):
        return None
    hold_usual_settings(row.settings)
    if row.last_used is None or now - row.last_used > _LAST_USED_STEP:
        stale = Q(last_used__isnull=True) | Q(last_used__lt=now - _LAST_USED_STEP)
        ApiKey.objects.filter(stale, pk=row.pk).update(last_used=now)
    return row
