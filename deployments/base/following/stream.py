"""Reading the stream of events so that nothing is missed.

On PostgreSQL ids become visible out of order: a transaction may take an id, and another one with a
higher id may commit before it. So the order is that of transactions, and only those are read that
are older than every running one: nothing can appear among them any more. On SQLite writers are
serial, every event has the transaction 0 and the id is the order.
"""

from dataclasses import dataclass

import structlog
from django.db import connection, transaction
from django.db.models import Max, QuerySet

from deployments.base.models import Event, EventCursor

log = structlog.get_logger(__name__)


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


def read_after(place: Place, *, limit: int) -> list[Seen]:
    """Return the next events that nothing can come before any more, in the stream's order."""
    rows = _settled()
    # Two questions, so that the index answers each from the right place on.
    same = rows.filter(transaction_id=place.transaction_id, id__gt=place.event_id)
    found = _seen(same, limit)
    if len(found) < limit:
        later = rows.filter(transaction_id__gt=place.transaction_id)
        found += _seen(later, limit - len(found))
    return found


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


def _seen(rows: "QuerySet[Event]", limit: int) -> list[Seen]:
    found = rows.order_by("transaction_id", "id").values_list("transaction_id", "id", "category")
    return [Seen(Place(number, event), category) for number, event, category in found[:limit]]


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
