"""Long work that one worker does at a time, although its message may come to several."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final
from uuid import uuid4

from django.db.models import Q

from deployments.base.clock import Clock, utc_now
from deployments.base.models import EventCursor

LONGEST: Final = timedelta(hours=2)


@contextmanager
def alone(name: str, *, longest: timedelta = LONGEST, clock: Clock = utc_now) -> Iterator[bool]:
    """Tell whether nobody else is at this work; until the end of the block nobody will be.

    The broker gives a message that is not done within a minute to another worker as well. Who dies
    in the middle keeps the others away for `longest`; doing it twice must be harmless all the same.
    """
    EventCursor.objects.get_or_create(pk=name)
    token, now = str(uuid4()), clock()
    free = Q(claimed_until=None) | Q(claimed_until__lte=now) | Q(claimed_until__gt=now + longest)
    rows = EventCursor.objects.filter(free, pk=name)
    if not rows.update(claimed_by=token, claimed_until=now + longest):
        yield False
        return
    try:
        yield True
    finally:
        mine = EventCursor.objects.filter(pk=name, claimed_by=token)
        mine.update(claimed_by="", claimed_until=None)
