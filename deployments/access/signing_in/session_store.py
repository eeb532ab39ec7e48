"""Django's session engine over rows that know their user, device and end.

The database holds the SHA-256 of each key: who reads it signs in as nobody.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction

from deployments.access.models import BrowserSession, User
from deployments.base.clock import utc_now

# Somebody who has not signed in yet: time enough to find a code.
BEFORE_SIGNING_IN = timedelta(minutes=15)
# "Last seen" is told to the minute; writing it at each request would make every read a write.
_SEEN_STEP = timedelta(minutes=1)
_KEPT = (
    *("user_id", "method", "ip_address", "user_agent"),
    *("created", "ends", "idle_seconds", "expire_date"),
)


def digest(key: str) -> str:
    """Return what is stored of a session's key."""
    return hashlib.sha256(key.encode()).hexdigest()


class SessionStore(SessionBase):
    """One session of one request."""

    row: BrowserSession | None = None

    def load(self) -> dict[str, Any]:
        key = self.session_key or ""
        rows = BrowserSession.objects.filter(pk=digest(key), expire_date__gt=utc_now())
        self.row = rows.first()
        if self.row is None:
            self._session_key = None
            return {}
        return self.decode(self.row.session_data)

    def exists(self, session_key: str) -> bool:
        return BrowserSession.objects.filter(pk=digest(session_key)).exists()

    def create(self) -> None:
        self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]  # Django's
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 Django's signature
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # Django's
        key, text = digest(self.session_key), self.encode(data)
        if not must_create:
            if not BrowserSession.objects.filter(pk=key).update(session_data=text):
                raise UpdateError  # ended meanwhile
            return
        now = utc_now()
        try:
            with transaction.atomic():
                self.row = BrowserSession.objects.create(
                    session_key=key,
                    session_data=text,
                    created=now,
                    last_seen=now,
                    ends=now + BEFORE_SIGNING_IN,
                    expire_date=now + BEFORE_SIGNING_IN,
                    idle_seconds=int(BEFORE_SIGNING_IN.total_seconds()),
                )
        except IntegrityError as error:
            raise CreateError from error

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            BrowserSession.objects.filter(pk=digest(key)).delete()

    def cycle_key(self) -> None:
        """Change the key, and stay the session of the same user on the same device."""
        self._get_session()  # type: ignore[attr-defined]  # Django's; reads the row
        before = self.row
        super().cycle_key()
        if before is not None and before.user_id is not None and self.row is not None:
            self._update({name: getattr(before, name) for name in _KEPT})

    def flush(self) -> None:
        """Begin anew as nobody."""
        super().flush()
        self.row = None

    def belongs_to(
        self,
        user: User,
        *,
        method: str,
        ip_address: str,
        user_agent: str,
        idle: timedelta,
        longest: timedelta,
    ) -> None:
        """Make it the session of a user who has just signed in."""
        if self.row is None or self.session_key is None:
            self.create()
        now = utc_now()
        self._update(
            {
                "user_id": user.pk,
                "method": method,
                "ip_address": ip_address[:64],
                "user_agent": user_agent[:300],
                "created": now,
                "last_seen": now,
                "ends": now + longest,
                "idle_seconds": int(idle.total_seconds()),
                "expire_date": now + min(idle, longest),
            }
        )

    def seen(self, ip_address: str) -> None:
        """Note that the session is in use, once a minute at most."""
        row, now = self.row, utc_now()
        if row is None or now - row.last_seen < _SEEN_STEP:
            return
        expires = min(row.ends, now + timedelta(seconds=row.idle_seconds))
        self._update({"last_seen": now, "ip_address": ip_address[:64], "expire_date": expires})

    @classmethod
    def clear_expired(cls) -> None:
        """Delete what has ended."""
        BrowserSession.objects.filter(expire_date__lte=utc_now()).delete()

    def _update(self, values: dict[str, int | str | datetime | None]) -> None:
        if self.row is None:
            return
        for name, value in values.items():
            setattr(self.row, name, value)
        BrowserSession.objects.filter(pk=self.row.pk).update(**values)
