"""Giving consumers of the stream their events: each one once, by one worker at a time.

A worker claims the consumer's cursor for a while. Each event is handled in a transaction that also
moves the cursor, provided that the claim still holds; so whatever happens to the worker, what the
consumer wrote and how far it came agree.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from typing import Final
from uuid import uuid4

import structlog
from django.db import transaction
from django.db.models import Q

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import record
from deployments.base.following.consumers import Consumer, all_consumers, find_consumer
from deployments.base.following.stream import (
    Place,
    Seen,
    forget_transactions,
    is_from_elsewhere,
    newest_place,
    read_after,
)
from deployments.base.models import Event, EventCursor
from deployments.base.rows import PreparedQuery
from deployments.base.settings_rows import MAINTENANCE, is_set

log = structlog.get_logger(__name__)

BATCH: Final = 1000
CLAIM: Final = timedelta(seconds=60)
ATTEMPTS: Final = 8
LONGEST_WAIT: Final = timedelta(seconds=60)
GIVEN_UP: Final = "EventHandlingFailed"
Read = Callable[[Place], Sequence[Seen]]
_EVENT = PreparedQuery(
    lambda number: Event.objects.select_related("space").filter(pk=number).order_by(), int
)


class ClaimLost(Exception):
    """The claim ran out while an event was handled; somebody else goes on from there."""


def ensure_cursors() -> None:
    """Give every consumer that has none a place: what happens from now on is its business."""
    for consumer in all_consumers():
        if not EventCursor.objects.filter(pk=consumer.name).exists():
            _start(consumer.name)


def consume_all(*, clock: Clock = utc_now) -> None:
    """Give every consumer what is new for it.

    Most are at the same place; what comes behind it is read once for all of them.
    """
    read = cache(_read)
    for consumer in all_consumers():
        consume(consumer.name, clock=clock, read=read)


def consume(name: str, *, clock: Clock = utc_now, read: Read | None = None) -> int:
    """Give the consumer what is new; return how many events it handled.

    Nothing when another worker is at it, when the consumer waits after a failure, or when it
    rests because of maintenance. `read` gives the next events behind a place.
    """
    read = read or _read
    consumer = find_consumer(name)
    if consumer is None or not _has_news(name, read):
        return 0
    if consumer.rests_in_maintenance and is_set(MAINTENANCE):
        return 0
    token = _claim(name, clock)
    if not token:
        return 0
    try:
        return _follow(consumer, token, clock, read)
    finally:
        EventCursor.objects.filter(pk=name, claimed_by=token).update(
            claimed_by="", claimed_until=None
        )


def _read(place: Place) -> list[Seen]:
    return read_after(place, limit=BATCH)


def _has_news(name: str, read: Read) -> bool:
    """Look before claiming: most of the time there is nothing, and looking writes nothing."""
    cursor = EventCursor.objects.filter(pk=name).first()
    if cursor is None:
        return True
    place = Place(cursor.transaction_id, cursor.event_id)
    return is_from_elsewhere(place) or bool(read(place))


def _claim(name: str, clock: Clock) -> str:
    """Return the token of the claim, empty when somebody else has it."""
    token, now = str(uuid4()), clock()
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    # A time far ahead is left from before the clock was set back.
    free |= Q(claimed_until__gt=now + CLAIM + LONGEST_WAIT)
    rows = EventCursor.objects.filter(free, pk=name)
    values = {"claimed_by": token, "claimed_until": now + CLAIM}
    if rows.update(**values):
        return token
    if EventCursor.objects.filter(pk=name).exists():
        return ""
    _start(name)
    return token if rows.update(**values) else ""


def _start(name: str) -> None:
    place = newest_place()
    EventCursor.objects.get_or_create(
        pk=name, defaults={"transaction_id": place.transaction_id, "event_id": place.event_id}
    )


def _follow(consumer: Consumer, token: str, clock: Clock, read: Read) -> int:
    place = _place(consumer.name)
    if is_from_elsewhere(place):
        forget_transactions()
        place = _place(consumer.name)
    handled = 0
    while batch := read(place):
        # Asked once for each batch: a build server pushes hundreds of packages in a moment.
        is_awaited = cache(consumer.is_awaited) if consumer.is_awaited else None
        for seen in batch:
            if seen.category not in consumer.categories:
                continue
            if is_awaited and seen.space is not None and not is_awaited(seen.space):
                continue
            if not _give(consumer, seen, token, clock):
                return handled
            handled += 1
            place = seen.place
        if place != batch[-1].place:
            place = batch[-1].place
            _move(consumer.name, place, token, clock)
    return handled


def _place(name: str) -> Place:
    cursor = EventCursor.objects.get(pk=name)
    return Place(cursor.transaction_id, cursor.event_id)


def _give(consumer: Consumer, seen: Seen, token: str, clock: Clock) -> bool:
    """Let the consumer handle one event; return whether the next one may follow."""
    try:
        with transaction.atomic():
            # First, because the row stays locked until the end: nobody can claim it meanwhile.
            if not _move(consumer.name, seen.place, token, clock):
                raise ClaimLost
            event = _EVENT.first(seen.place.event_id)
            if event is not None:
                consumer.handle(event)
    except ClaimLost:
        log.warning("claim lost while consuming events", consumer=consumer.name)
        return False
    except Exception as error:  # noqa: BLE001 what one consumer does wrong must not stop others
        return _failed(consumer, seen, token, error, clock)
    return True


def _move(name: str, place: Place, token: str, clock: Clock) -> int:
    return EventCursor.objects.filter(pk=name, claimed_by=token).update(
        transaction_id=place.transaction_id,
        event_id=place.event_id,
        claimed_until=clock() + CLAIM,
        failures=0,
        error="",
    )


def _failed(consumer: Consumer, seen: Seen, token: str, error: Exception, clock: Clock) -> bool:
    """Note the failure; after the last attempt pass the event over, for all to see."""
    event_id = f"Events-{seen.place.event_id}"
    log.error("event not handled", consumer=consumer.name, event_id=event_id, exc_info=error)
    rows = EventCursor.objects.filter(pk=consumer.name, claimed_by=token)
    failures = (rows.values_list("failures", flat=True).first() or 0) + 1
    if failures < ATTEMPTS:
        wait = min(timedelta(seconds=2**failures), LONGEST_WAIT)
        rows.update(
            failures=failures,
            error=type(error).__name__[:200],
            claimed_by="",
            claimed_until=clock() + wait,
        )
        return False
    with transaction.atomic():
        record(
            actor=Actor.system(consumer.label),
            space=None,
            category=GIVEN_UP,
            message=(
                f"{consumer.label} could not handle the event {event_id} in {failures} attempts"
                f" ({type(error).__name__}) and goes on without it; the server's log has the error"
            ),
            subject=event_id,
            clock=clock,
        )
        return bool(_move(consumer.name, seen.place, token, clock))
