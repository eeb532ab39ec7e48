"""Recording the stream of events; deployments.base.following reads it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from django.db import connection, transaction

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.following.consumers import consumers_to_wake
from deployments.base.models import Event, EventRelated, Space
from deployments.base.rows import insert_rows, mark_as_stored, repeating_cursor, row_values
from deployments.base.wake import wake_often

Snapshot = Mapping[str, Any]


class Snapshots(TypedDict, total=False):
    """What `record` compares, for functions that pass it on."""

    before: Snapshot
    after: Snapshot


# The number of PostgreSQL's transaction.
_CURRENT = "pg_current_xact_id()::text::bigint"


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
    """Record an act in the caller's transaction and wake who waits for its kind.

    `before` and `after` are flat snapshots of the subject (secrets already as fingerprints);
    only what differs is kept. `related` are public ids, the subject's is added.
    """
    # One transaction for the number and the row that has it, also where the caller has none.
    with transaction.atomic(savepoint=False):
        event = Event(
            space=space,
            category=category,
            occurred=clock(),
            message=message,
            subject_id=subject,
            actor_id=actor.public_id,
            actor_name=actor.username,
            authentication=actor.authentication,
            credential=actor.credential[:250],
            ip_address=actor.ip_address,
            user_agent=actor.user_agent[:300],
            changes=_differences(before or {}, after or {}),
        )
        _insert(event, list(_documents(subject, related)))
        for consumer in consumers_to_wake(category, space.pk if space else None):
            wake_often("base.consume", consumer.name)
    return event


@dataclass(frozen=True, slots=True)
class News:
    """One of many acts that are recorded together, with what `record` takes of each."""

    space: Space
    category: str
    message: str
    subject: str
    related: Sequence[str] = ()
    before: Snapshot | None = None


def record_all(*, actor: Actor, news: Iterable[News], clock: Clock = utc_now) -> None:
    """Record many acts of one actor; as many queries as for one."""
    now, every = clock(), list(news)
    with transaction.atomic(savepoint=False):
        number = _transaction_id()
        rows = [
            Event(
                space=each.space,
                category=each.category,
                occurred=now,
                message=each.message,
                subject_id=each.subject,
                actor_id=actor.public_id,
                actor_name=actor.username,
                authentication=actor.authentication,
                credential=actor.credential[:250],
                ip_address=actor.ip_address,
                user_agent=actor.user_agent[:300],
                changes=_differences(each.before or {}, {}),
                transaction_id=number,
            )
            for each in every
        ]
        insert_rows(rows)
        insert_rows(
            [
                EventRelated(event_id=row.pk, document_id=document)
                for row, each in zip(rows, every, strict=True)
                for document in _documents(each.subject, each.related)
            ]
        )
        kinds = {(row.category, row.space_id) for row in rows}
        names = {each.name for kind in kinds for each in consumers_to_wake(*kind)}
        for name in names:
            wake_often("base.consume", name)


def _insert(event: Event, documents: Sequence[str]) -> None:
    """Insert the event and what it is about: with PostgreSQL all at once, number included."""
    if connection.vendor != "postgresql":
        insert_rows([event])
        insert_rows([EventRelated(event=event, document_id=each) for each in documents])
        return
    names, values = row_values(event, without=("transaction_id",))
    with repeating_cursor() as sql:
        sql.execute(
            f"WITH e AS (INSERT INTO base_event ({names}, transaction_id)"  # noqa: S608 names of ours
            f" VALUES ({', '.join(['%s'] * len(values))}, {_CURRENT})"
            " RETURNING id, transaction_id),"
            " r AS (INSERT INTO base_eventrelated (event_id, document_id)"
            " SELECT e.id, document FROM e, unnest(%s::text[]) document)"
            " SELECT id, transaction_id FROM e",
            [*values, list(documents)],
        )
        event.pk, event.transaction_id = sql.fetchone()
    mark_as_stored(event)


def _documents(subject: str, related: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(document for document in (subject, *related) if document)


def _transaction_id() -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as sql:
        sql.execute(f"SELECT {_CURRENT}")
        (number,) = sql.fetchone()
    return int(number)


def _differences(before: Snapshot, after: Snapshot) -> list[dict[str, Any]]:
    names = dict.fromkeys((*before, *after))
    return [
        {"property": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]
