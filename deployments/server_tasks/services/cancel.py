"""Canceling a task: at once while it waits, through its engine while it runs."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.models import Space
from deployments.base.wake import wake
from deployments.server_tasks.kinds import find_kind
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.enqueue import SCHEDULE
from deployments.server_tasks.services.moves import move
from deployments.server_tasks.states import FINISHED, TaskState

PATIENCE: Final = timedelta(minutes=10)
_MOST_LOOKS: Final = 100
ABANDONED: Final = "The task was abandoned; what still ran was left behind."


def cancel_task(
    *, actor: Actor, task: ServerTask, by_force: bool | None = None, clock: Clock = utc_now
) -> ServerTask:
    """Cancel the task; the second request on a running one leaves behind what still runs.

    With `by_force` False only the first request counts. A finished task stays as it is.
    """
    require_on(actor, task, Permission.TaskCancel)
    now = clock()
    with transaction.atomic():
        # The queue may move it on between two of the looks; then the next round finds it.
        for _ in range(_MOST_LOOKS):
            if (what := _request(task, now, by_force=by_force)) is not None:
                break
        if what:
            record_cancel(actor, task, what, clock)
        _wake(task)
    task.refresh_from_db()
    return task


def cancel_queued(space: Space, *, clock: Clock = utc_now) -> None:
    """Cancel what waits in a space that is being deleted. Joins the caller's transaction."""
    waiting = ServerTask.objects.in_space(space).filter(state=TaskState.QUEUED)
    # In the order of their numbers, as everybody locks several tasks.
    for number in list(waiting.order_by("pk").values_list("pk", flat=True)):
        move(number, TaskState.CANCELED, now=clock(), sources=[TaskState.QUEUED])


def _request(task: ServerTask, now: datetime, *, by_force: bool | None) -> str | None:
    """Ask the task to stop; return what that means, "" for nothing and None to look again."""
    requests = F("cancel_requests") + 1
    if move(task.pk, TaskState.CANCELED, now=now, sources=[TaskState.QUEUED]):
        return "was canceled before it started"
    if move(
        task.pk,
        TaskState.CANCELLING,
        now=now,
        cancel_requests=requests,
        cancel_requested=now,
    ):
        return "is being canceled"
    if _ask_again(task, now=now, by_force=by_force):
        return "is being canceled once more"
    known = ServerTask.objects.in_space(task.space).filter(pk=task.pk)
    settled = known.filter(Q(state__in=FINISHED) | Q(cancel_requests__gt=0))
    return "" if settled.exists() or not known.exists() else None


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
        # A task that was asked to stop while it was paused may be Executing again.
        move(task.pk, TaskState.CANCELLING, now=now, sources=[TaskState.EXECUTING])
        if not move(task.pk, TaskState.CANCELED, now=now, error_message=ABANDONED):
            raise Invalid("The task has ended; there is nothing to abandon.")
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


def _ask_again(task: ServerTask, *, now: datetime, by_force: bool | None) -> bool:
    """Count one more request. A paused task has no slot to be Cancelling in; its engine ends it."""
    rows = ServerTask.objects.in_space(task.space).filter(
        pk=task.pk, state__in=[TaskState.CANCELLING, TaskState.PAUSED]
    )
    if by_force is False:
        rows = rows.filter(cancel_requests=0)
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
