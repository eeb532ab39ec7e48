"""Canceling a task: at once while it waits, through its engine while it runs."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.wake import wake
from deployments.server_tasks.kinds import find_kind
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.enqueue import SCHEDULE
from deployments.server_tasks.services.moves import move
from deployments.server_tasks.states import TaskState

PATIENCE: Final = timedelta(minutes=10)
ABANDONED: Final = "The task was abandoned; what still ran was left behind."


def cancel_task(*, actor: Actor, task: ServerTask, clock: Clock = utc_now) -> ServerTask:
    """Cancel the task; the second request on a running one leaves behind what still runs.

    A finished task stays as it is.
    """
    require_on(actor, task, Permission.TaskCancel)
    now = clock()
    with transaction.atomic():
        requests = F("cancel_requests") + 1
        if move(task.pk, TaskState.CANCELED, now=now, sources=[TaskState.QUEUED]):
            record_cancel(actor, task, "was canceled before it started", clock)
        elif move(
            task.pk,
            TaskState.CANCELLING,
            now=now,
            cancel_requests=requests,
            cancel_requested=now,
        ):
            record_cancel(actor, task, "is being canceled", clock)
        elif _ask_again(task, now=now):
            record_cancel(actor, task, "is being canceled once more", clock)
        _wake(task)
    task.refresh_from_db()
    return task


def abandon_task(*, actor: Actor, task: ServerTask, clock: Clock = utc_now) -> ServerTask:
    """End a task as Canceled that has been Cancelling for ten minutes, without any clean-up.

    Raises Invalid for any other task (projects.md 10.8).
    """
    require_on(actor, task, Permission.TaskCancel)
    now = clock()
    if task.is_completed:
        raise Invalid("The task has ended; there is nothing to abandon.")
    if not may_be_abandoned(task, now=now):
        raise Invalid(
            "A task can be abandoned once it has been canceled and did not end within"
            f" {_minutes(PATIENCE)} minutes."
        )
    with transaction.atomic():
        if move(task.pk, TaskState.CANCELED, now=now, error_message=ABANDONED):
            record_cancel(actor, task, "was abandoned; what still runs is left behind", clock)
        _wake(task)
    task.refresh_from_db()
    return task


def may_be_abandoned(task: ServerTask, *, now: datetime) -> bool:
    """Return whether the task has been asked to stop for so long that it may be given up."""
    return (
        not task.is_completed
        and task.cancel_requested is not None
        and now - task.cancel_requested >= PATIENCE
    )


def record_cancel(actor: Actor, task: ServerTask, what: str, clock: Clock) -> None:
    """Record in the audit log what became of a task that is not to run any further."""
    record(
        actor=actor,
        space=task.space,
        category="TaskCanceled",
        message=f"{task.description} {what}",
        subject=task.public_id,
        related=related_ids(task),
        clock=clock,
    )


def _wake(task: ServerTask) -> None:
    kind = find_kind(task.kind)
    if kind is not None:
        wake(kind.advance, task.pk)
    wake(SCHEDULE)


def _ask_again(task: ServerTask, *, now: datetime) -> bool:
    """Count one more request. A paused task has no slot to be Cancelling in; its engine ends it."""
    rows = ServerTask.objects.in_space(task.space).filter(
        pk=task.pk, state__in=[TaskState.CANCELLING, TaskState.PAUSED]
    )
    return bool(
        rows.update(
            cancel_requests=F("cancel_requests") + 1,
            cancel_requested=Coalesce("cancel_requested", Value(now)),
            last_updated=now,
        )
    )


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def related_ids(task: ServerTask) -> list[str]:
    """Return the ids of what the task is about."""
    numbers = {
        "Projects": task.project_number,
        "Environments": task.environment_number,
        "Tenants": task.tenant_number,
    }
    return [f"{prefix}-{number}" for prefix, number in numbers.items() if number]
