"""Recording and reading the stream of events."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection, models

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.models import Event, EventRelated, Space

Snapshot = Mapping[str, Any]


def record(
    *,
    actor: Actor,
    space: Space | None,
    category: str,
    message: str,
    subject: str = "",
    related: Iterable[str] = (),
    before: Snapshot | None = None,
    after: Snapshot | None = None,
    clock: Clock = utc_now,
) -> Event:
    """Record an act in the caller's transaction.

    `before` and `after` are flat snapshots of the subject (secrets already as fingerprints);
    only what differs is kept. `related` are public ids, the subject's is added.
    """
    event = Event.objects.create(
        space=space,
        category=category,
        occurred=clock(),
        message=message,
        subject_id=subject,
        actor_id=actor.public_id,
        actor_name=actor.username,
        authentication=actor.authentication,
        ip_address=actor.ip_address,
        user_agent=actor.user_agent[:300],
        changes=_differences(before or {}, after or {}),
        transaction_id=_transaction_id(),
    )
    documents = dict.fromkeys(document for document in (subject, *related) if document)
    EventRelated.objects.bulk_create(
        [EventRelated(event=event, document_id=document) for document in documents]
    )
    return event


def read_after(cursor: int, *, limit: int = 100) -> list[Event]:
    """Return the next events after the cursor (an event's id), oldest first.

    On PostgreSQL ids become visible out of order, so only events of transactions older than
    every running one are returned; on SQLite writers are serial and the id is enough.
    """
    events = Event.objects.filter(id__gt=cursor).order_by("id")
    if connection.vendor == "postgresql":
        with connection.cursor() as sql:
            sql.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            (oldest_running,) = sql.fetchone()
        events = events.filter(models.Q(transaction_id__lt=oldest_running))
    return list(events[:limit])


def _transaction_id() -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as sql:
        sql.execute("SELECT pg_current_xact_id()::text::bigint")
        (number,) = sql.fetchone()
    return int(number)


def _differences(before: Snapshot, after: Snapshot) -> list[dict[str, Any]]:
    names = dict.fromkeys((*before, *after))
    return [
        {"property": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]
