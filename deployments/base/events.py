"""Recording the stream of events; deployments.base.following reads it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from django.db import connection, transaction

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.following.consumers import consumers_to_wake
from deployments.base.models import Event, EventRelated, Space
from deployments.base.rows import (
    Together,
    insert_rows,
    mark_as_stored,
    repeating_cursor,
    row_values,
)
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
    news = News(space, category, message, subject, tuple(related), before, after)
    return record_news(actor=actor, news=news, clock=clock)


def record_news(*, actor: Actor, news: "News", clock: Clock = utc_now) -> Event:
    """Record an act as `record` does."""
    event = _event(actor, news, clock())
    # One transaction for the number and the row that has it, also where the caller has none.
    with transaction.atomic(savepoint=False):
        _insert(event, _documents(news))
        _wake_for(event)
    return event


@dataclass(frozen=True, slots=True)
class News:
    """What there is to record of an act, as `record` takes it."""

    space: Space | None
    category: str
    message: str
    subject: str
    related: Sequence[str] = ()
    before: Snapshot | None = None
    after: Snapshot | None = None


def record_together(
    act: Together, *, actor: Actor, news: News, clock: Clock = utc_now
) -> int | None:
    """Do the act and record it, by one statement of PostgreSQL in the caller's transaction.

    Returns the `id` that the act's source has given; None when it gave no row, and then nothing is
    recorded.
    """
    event = _event(actor, news, clock())
    sql, values = _statement(event, _documents(news), act)
    with repeating_cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone()
    if row is None:
        return None
    _wake_for(event)
    return int(row[2])


def record_all(*, actor: Actor, news: Iterable[News], clock: Clock = utc_now) -> None:
    """Record many acts of one actor; as many queries as for one."""
    now, every = clock(), list(news)
    with transaction.atomic(savepoint=False):
        number = _transaction_id()
        rows = [_event(actor, each, now) for each in every]
        for row in rows:
            row.transaction_id = number
        insert_rows(rows)
        insert_rows(
            [
                EventRelated(event_id=row.pk, document_id=document)
                for row, each in zip(rows, every, strict=True)
                for document in _documents(each)
            ]
        )
        kinds = {(row.category, row.space_id) for row in rows}
        names = {each.name for kind in kinds for each in consumers_to_wake(*kind)}
        for name in names:
            wake_often("base.consume", name)


def _event(actor: Actor, news: News, now: datetime) -> Event:
    return Event(
        space=news.space,
        category=news.category,
        occurred=now,
        message=news.message,
        subject_id=news.subject,
        actor_id=actor.public_id,
        actor_name=actor.username,
        authentication=actor.authentication,
        credential=actor.credential[:250],
        ip_address=actor.ip_address,
        user_agent=actor.user_agent[:300],
        changes=_differences(news.before or {}, news.after or {}),
    )


def _insert(event: Event, documents: Sequence[str]) -> None:
    """Insert the event and what it is about: with PostgreSQL all at once, number included."""
    if connection.vendor != "postgresql":
        insert_rows([event])
        insert_rows([EventRelated(event=event, document_id=each) for each in documents])
        return
    sql, values = _statement(event, documents)
    with repeating_cursor() as cursor:
        cursor.execute(sql, values)
        event.pk, event.transaction_id = cursor.fetchone()
    mark_as_stored(event)


def _statement(
    event: Event, documents: Sequence[str], act: Together | None = None
) -> tuple[str, list[Any]]:
    """Return what inserts them, behind the parts of the act and once for each row of it."""
    names, values = row_values(event, without=("transaction_id",))
    parts, before = (act.parts, act.values) if act else ([], [])
    source, row = (f" FROM {act.source}", f", {act.source}.id") if act else ("", "")
    both = f"e, {act.source}" if act else "e"
    own = (
        f"INSERT INTO base_event ({names}, transaction_id)"
        f" SELECT {', '.join(['%s'] * len(values))}, {_CURRENT}{source}"
        " RETURNING id, transaction_id"
    )
    about = (
        "INSERT INTO base_eventrelated (event_id, document_id)"
        " SELECT e.id, document FROM e, unnest(%s::text[]) document"
    )
    every = ", ".join((*parts, f"e AS ({own})", f"r AS ({about})"))
    sql = f"WITH {every} SELECT e.id, e.transaction_id{row} FROM {both}"  # noqa: S608 likewise
    return sql, [*before, *values, list(documents)]


def _wake_for(event: Event) -> None:
    for consumer in consumers_to_wake(event.category, event.space_id):
        wake_often("base.consume", consumer.name)


def _documents(news: News) -> list[str]:
    named = (news.subject, *news.related)
    return list(dict.fromkeys(document for document in named if document))


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
