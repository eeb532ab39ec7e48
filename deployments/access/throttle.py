"""Slowing down the guessing of passwords, whatever spelling of the name is tried."""

import unicodedata
from datetime import timedelta

from django.db.models import F

from deployments.access.models import SignInFailures
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid

MOST_FAILURES = 10
WINDOW = timedelta(minutes=5)
_KEPT = timedelta(days=1)
_MOST_CHARACTERS = 150


def canonical(username: str) -> str:
    """Return the one spelling of a username: no invisible characters, no case, no width."""
    seen = one_spelling(username).replace(" ", "")
    return unicodedata.normalize("NFKC", seen)[:_MOST_CHARACTERS]


def one_spelling(name: str) -> str:
    """Return what names have in common that look the same; blanks count as one."""
    text = unicodedata.normalize("NFKC", name).casefold()
    kinds = ((c, unicodedata.category(c)[0]) for c in text)
    seen = "".join(" " if kind == "Z" else c for c, kind in kinds if kind != "C")
    return unicodedata.normalize("NFKC", " ".join(seen.split()))


class SignInThrottle:
    """Counts the failures of one name; ten within five minutes close it for the rest of them."""

    def __init__(self, username: str, *, clock: Clock = utc_now) -> None:
        self._name = canonical(username)
        self._now = clock()

    def require_open(self) -> None:
        """Raise Invalid while there were too many failures."""
        row = SignInFailures.objects.filter(name=self._name).first()
        if row is not None and row.count >= MOST_FAILURES and self._now - row.since < WINDOW:
            raise Invalid("Too many failed attempts to sign in. Try again in a few minutes.")

    def failed(self) -> None:
        """Count one more failure."""
        stale = SignInFailures.objects.filter(name=self._name, since__lte=self._now - WINDOW)
        stale.update(count=0, since=self._now)
        SignInFailures.objects.filter(since__lt=self._now - _KEPT).delete()
        SignInFailures.objects.get_or_create(name=self._name, defaults={"since": self._now})
        SignInFailures.objects.filter(name=self._name).update(count=F("count") + 1)

    def succeeded(self) -> None:
        """Forget the failures."""
        SignInFailures.objects.filter(name=self._name).delete()
