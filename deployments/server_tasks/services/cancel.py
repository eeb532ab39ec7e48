"""Canceling a task: at once while it waits, through its engine while it runs."""

from django.db import transaction
from django.db.models import F

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import record
from deployments.base.wake import wake
from deployments.server_tasks.kinds import find_kind
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.enqueue import SCHEDULE
from deployments.server_tasks.services.moves import move
from deployments.server_tasks.states import TaskState


def cancel_task(*, actor: Actor, task: ServerTask, clock: Clock = utc_now) -> ServerTask:
    """Cancel the task; the second request on a running one leaves behind what still runs.

    A finished task stays as it is.
    """
    require_on(actor, task, Permission.TaskCancel)
    now = clock()
    with transaction.atomic():
        requests = F("cancel_requests") + 1
        if move(task.pk, TaskState.CANCELED, now=now, sources=[TaskState.QUEUED]):
            _record(actor, task, "was canceled before it started", clock)
        elif move(task.pk, TaskState.CANCELLING, now=now, cancel_requests=requests):
            _record(actor, task, "is being canceled", clock)
        elif _ask_again(task, now=now):
            _record(actor, task, "is being canceled once more", clock)
        kind = find_kind(task.kind)
        if kind is not None:
            wake(kind.advance, task.pk)
        wake(SCHEDULE)
    task.refresh_from_db()
    return task


def _ask_again(task: ServerTask, *, now: object) -> bool:
    """Count one more request. A paused task has no slot to be Cancelling in; its engine ends it."""
    rows = ServerTask.objects.in_space(task.space).filter(
        pk=task.pk, state__in=[TaskState.CANCELLING, TaskState.PAUSED]
    )
    return bool(rows.update(cancel_requests=F("cancel_requests") + 1, last_updated=now))


def _record(actor: Actor, task: ServerTask, what: str, clock: Clock) -> None:
    record(
        actor=actor,
        space=task.space,
        category="TaskCanceled",
        message=f"{task.description} {what}",
        subject=task.public_id,
        related=_related(task),
        clock=clock,
    )


def _related(task: ServerTask) -> list[str]:
    numbers = {
        "Projects": task.project_number,
        "Environments": task.environment_number,
        "Tenants": task.tenant_number,
    }
    return [f"{prefix}-{number}" for prefix, number in numbers.items() if number]
