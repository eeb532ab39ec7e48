"""Reading the stream of events so that nothing is missed.

On PostgreSQL ids become visible out of order: a transaction may take an id, and another one with a
higher id may commit before it. So the order is that of transactions, and only those are read that
are older than every running one: nothing can appear among them any more. On SQLite writers are
serial, every event has the transaction 0 and the id is the order.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog
from django.db import connection, transaction
from django.db.models import Max, QuerySet

from deployments.base.models import Event, EventCursor

log = structlog.get_logger(__name__)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Place:
    """Just behind one event."""

    transaction_id: int = 0
    event_id: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as far as following the stream goes."""

    place: Place
    category: str
    space: int | None = None


def read_after(place: Place, *, limit: int) -> list[Seen]:
    """Return the next events that nothing can come before any more, in the stream's order."""
    rows = _settled().values_list("transaction_id", "id", "category", "space_id")
    found = _behind(rows, place, limit)
    return [Seen(Place(number, pk), category, space) for number, pk, category, space in found]


def events_between(start: Place, end: Place, *, limit: int) -> "list[Event]":
    """Return the next events behind `start`, up to and with `end`, in the stream's order."""
    rows = Event.objects.filter(transaction_id__lte=end.transaction_id)
    rows = rows.exclude(transaction_id=end.transaction_id, id__gt=end.event_id)
    return _behind(rows, start, limit)


def first_after(place: Place) -> "Event | None":
    """Return the next event that nothing can come before any more."""
    return next(iter(_behind(_settled(), place, 1)), None)


def last_before(moment: datetime, *, after: Place) -> Place | None:
    """Return the place of the last settled event of before the moment, if behind `after`."""
    rows = _settled().filter(occurred__lt=moment).order_by("-transaction_id", "-id")
    found = rows.values_list("transaction_id", "id").first()
    start = (after.transaction_id, after.event_id)
    return Place(*found) if found and tuple(found) > start else None


def newest_place() -> Place:
    """Return the place behind everything that has been settled by now."""
    newest = _settled().aggregate(newest=Max("id"))["newest"] or 0
    return Place(_oldest_running() - 1, newest)


def is_from_elsewhere(place: Place) -> bool:
    """Whether the place is ahead of the database's transactions: it came here in a backup."""
    return place.transaction_id >= _oldest_running()


@transaction.atomic
def forget_transactions() -> None:
    """Order what a backup has brought by id, because its transactions were those of another server.

    Without this every new event would count as older than what has been read, and be missed. What
    was being written while the backup was made may come once more or not at all.
    """
    log.warning("the stream of events comes from another database; it is ordered by id from here")
    EventCursor.objects.update(transaction_id=0)
    Event.objects.exclude(transaction_id=0).update(transaction_id=0)


def _behind(rows: "QuerySet[Event, R]", place: Place, limit: int) -> list[R]:
    # Two questions, so that the index answers each from the right place on.
    same = rows.filter(transaction_id=place.transaction_id, id__gt=place.event_id)
    found = list(same.order_by("transaction_id", "id")[:limit])
    if len(found) < limit:
        later = rows.filter(transaction_id__gt=place.transaction_id)
        found += later.order_by("transaction_id", "id")[: limit - len(found)]
    return found


def _settled() -> "QuerySet[Event]":
    return Event.objects.filter(transaction_id__lt=_oldest_running())


def _oldest_running() -> int:
    """Return the lowest transaction that may still write."""
    if connection.vendor != "postgresql":
        return 1
    with connection.cursor() as sql:
        sql.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (number,) = sql.fetchone()
    return int(number)
