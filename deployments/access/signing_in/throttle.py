"""Slowing down the guessing of passwords and codes, whatever spelling of the name is tried.

What counts is the account, and for names that nobody has the name's one spelling. Where a request
comes from plays no part: addresses are many and headers say what one likes.
"""

import unicodedata
from datetime import timedelta

from django.db.models import F

from deployments.access.models import SignInFailures, User
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid

MOST_FAILURES = 10
WINDOW = timedelta(minutes=5)
# A code has six digits and three of them are good at any time: that needs a tighter limit.
MOST_WRONG_CODES = 5
CODES_WINDOW = timedelta(minutes=15)
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


class Attempts:
    """Counts attempts under a key; so many within the window close it for the rest of it."""

    def __init__(
        self, key: str, *, most: int, window: timedelta, message: str, clock: Clock = utc_now
    ) -> None:
        self._key, self._most, self._window = key, most, window
        self._message = message
        self._now = clock()

    def begin(self) -> None:
        """Count an attempt before it is made; raises Invalid when there were too many.

        Counted before, because any number of them may run at the same time.
        """
        if not self._count():
            raise Invalid(self._message)

    def require_open(self) -> None:
        """Raise Invalid when there were too many; for clients that send what is right at once.

        Whoever guesses so gets no more than the requests that the server works on together.
        """
        row = SignInFailures.objects.filter(name=self._key).first()
        if row and row.count >= self._most and self._now - row.since < self._window:
            raise Invalid(self._message)

    def failed(self) -> None:
        """Count an attempt that was not counted before it was made."""
        self._count()

    def _count(self) -> bool:
        rows = SignInFailures.objects.filter(name=self._key)
        SignInFailures.objects.filter(since__lt=self._now - _KEPT).delete()
        SignInFailures.objects.get_or_create(name=self._key, defaults={"since": self._now})
        rows.filter(since__lte=self._now - self._window).update(count=0, since=self._now)
        return bool(rows.filter(count__lt=self._most).update(count=F("count") + 1))

    def succeeded(self) -> None:
        """Forget the attempts."""
        SignInFailures.objects.filter(name=self._key).delete()


def password_attempts(user: User | None, name: str, *, clock: Clock = utc_now) -> Attempts:
    """Return the attempts at a password, those by name and by mail address together."""
    return Attempts(
        f"user:{user.pk}" if user is not None else f"name:{canonical(name)}",
        most=MOST_FAILURES,
        window=WINDOW,
        message="Too many failed attempts to sign in. Try again in a few minutes.",
        clock=clock,
    )


def code_attempts(user: User, *, clock: Clock = utc_now) -> Attempts:
    """Return the attempts at a second factor, codes of either kind together."""
    return Attempts(
        f"code:{user.pk}",
        most=MOST_WRONG_CODES,
        window=CODES_WINDOW,
        message="Too many wrong codes. Try again in a quarter of an hour.",
        clock=clock,
    )
