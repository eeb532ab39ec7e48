"""Canceling older tasks that a newer one makes needless (projects.md 10.7)."""

from collections.abc import Iterable
from itertools import takewhile
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.querysets import SpaceQuerySet
from deployments.base.wake import wake
from deployments.server_tasks.kinds import find_kind
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.cancel import record_cancel
from deployments.server_tasks.services.moves import move
from deployments.server_tasks.states import TaskState

# A query of the numbers of tasks; None means all.
Among = QuerySet[Any, Any] | None

_ACTOR = Actor.system("a newer task takes its place")


def supersede_queued(
    *, task: ServerTask, among: Among = None, clock: Clock = utc_now
) -> list[ServerTask]:
    """Cancel the older queued tasks that the queued one replaces, and give it their place.

    Only tasks that do all there is to do take part, and the older ones are looked at from the
    newest back to the first that does not. One that is scheduled for later, or that another task
    waits for, neither replaces nor is replaced. `among` are the tasks that do the same, where the
    project, environment and tenant do not tell.
    """
    if not task.is_complete or task.not_before is not None:
        return []
    now = clock()
    with transaction.atomic(savepoint=False):
        older = _older(task, among).filter(state=TaskState.QUEUED, not_before=None)
        superseded = [
            row
            for row in sorted(_until_partial(older), key=_number)
            if move(
                row.pk,
                TaskState.CANCELED,
                now=now,
                sources=[TaskState.QUEUED],
                error_message=_reason(task),
            )
        ]
        if superseded:
            task.queue_place = min(_place(row) for row in superseded)
            task.is_moved_to_top = any(row.is_moved_to_top for row in superseded)
            task.priority = max(task.priority, *(row.priority for row in superseded))
            task.save(update_fields=["queue_place", "is_moved_to_top", "priority"])
        for row in superseded:
            record_cancel(_ACTOR, row, f"is superseded by {task.public_id}", clock)
    return superseded


def supersede_paused(
    *, task: ServerTask, among: Among = None, clock: Clock = utc_now
) -> list[ServerTask]:
    """Cancel the older tasks that wait for people, now that the newer one has succeeded."""
    if not task.is_complete:
        return []
    now = clock()
    paused = Q(state=TaskState.PAUSED, cancel_requests=0)
    with transaction.atomic(savepoint=False):
        superseded = [
            row
            for row in sorted(_until_partial(_older(task, among).filter(paused)), key=_number)
            if ServerTask.objects.in_space(task.space)
            .filter(paused, pk=row.pk)
            .update(
                cancel_requests=F("cancel_requests") + 1,
                cancel_requested=now,
                error_message=_reason(task),
                last_updated=now,
            )
        ]
        for row in superseded:
            record_cancel(_ACTOR, row, f"is superseded by {task.public_id}", clock)
            if kind := find_kind(row.kind):
                wake(kind.advance, row.pk)
    return superseded


def _older(task: ServerTask, among: Among) -> SpaceQuerySet[ServerTask]:
    """Return the older tasks about the same thing, the newest first."""
    rows = ServerTask.objects.in_space(task.space)
    if among is not None:
        rows = rows.filter(pk__in=among)
    return rows.filter(
        pk__lt=task.pk,
        kind=task.kind,
        project_number=task.project_number,
        environment_number=task.environment_number,
        tenant_number=task.tenant_number,
    ).order_by("-pk")


def _until_partial(rows: Iterable[ServerTask]) -> list[ServerTask]:
    return list(takewhile(lambda row: row.is_complete, rows))


def _number(task: ServerTask) -> int:
    """Return what several tasks are locked in the order of, here and in the queue."""
    return task.pk


def _place(task: ServerTask) -> int:
    return task.pk if task.queue_place is None else task.queue_place


def _reason(task: ServerTask) -> str:
    return f"Superseded by {task.public_id}."
