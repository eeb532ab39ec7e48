"""What administrators do to tasks: move to the top, correct how they ended, run again."""

from typing import Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.wake import wake
from deployments.server_tasks.kinds import find_kind
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.cancel import related_ids
from deployments.server_tasks.services.enqueue import SCHEDULE, enqueue
from deployments.server_tasks.states import TaskState

# What a finished task may be corrected to (infrastructure.md 24.1).
CORRECTIONS: Final = (TaskState.SUCCESS, TaskState.FAILED, TaskState.CANCELED)
_MOST_REASON: Final = 1000


def move_to_top(*, actor: Actor, task: ServerTask, clock: Clock = utc_now) -> ServerTask:
    """Let a queued task go before the others. Raises Invalid for one that does not wait.

    It skips no lock: a task of the same concurrency tag that runs is still waited for.
    """
    require_on(actor, task, Permission.TaskPrioritize)
    with transaction.atomic():
        waiting = ServerTask.objects.in_space(task.space).filter(pk=task.pk, state=TaskState.QUEUED)
        if not waiting.update(is_moved_to_top=True):
            raise Invalid("Only a task that waits in the queue can be moved to the top.")
        _record(actor, task, "TaskPrioritized", "was moved to the top of the queue", clock)
        wake(SCHEDULE)
    task.refresh_from_db()
    return task


def correct_state(
    *, actor: Actor, task: ServerTask, state: str, reason: str, clock: Clock = utc_now
) -> ServerTask:
    """Change how a finished task is said to have ended; lifecycles follow. Raises Invalid."""
    require_on(actor, task, Permission.TaskEdit)
    if state not in CORRECTIONS:
        raise Invalid(fields={"State": [f"Choose one of {', '.join(CORRECTIONS)}."]})
    if not reason.strip():
        raise Invalid(fields={"Reason": ["Say why the state is changed."]})
    if len(reason) > _MOST_REASON:
        raise Invalid(fields={"Reason": [f"At most {_MOST_REASON} characters."]})
    with transaction.atomic():
        rows = ServerTask.objects.in_space(task.space).filter(pk=task.pk)
        before = rows.values_list("state", flat=True)[0]
        if state == before:
            raise Invalid(f"The task is {state} already.")
        ended = rows.filter(state=before, state__in=CORRECTIONS)
        if not ended.update(state=state, last_updated=clock()):
            raise Invalid("Only a task that ran and has ended can be corrected.")
        what = f"was changed from {before} to {state}: {reason.strip()}"
        _record(actor, task, "TaskStateChanged", what, clock)
    task.refresh_from_db()
    return task


def rerun(*, actor: Actor, task: ServerTask, clock: Clock = utc_now) -> ServerTask:
    """Queue a finished task once more with the same arguments; return the new one.

    Raises Invalid for one that has not ended and for kinds, such as Deploy, that are started
    anew from what they are about.
    """
    require_on(actor, task, Permission.TaskCreate)
    kind = find_kind(task.kind)
    if kind is None or not kind.may_rerun:
        raise Invalid(f"A task of the kind {task.kind} cannot be run again.")
    if not task.is_completed:
        raise Invalid("The task has not ended yet.")
    with transaction.atomic():
        again = enqueue(
            actor=actor,
            space=task.space,
            kind=task.kind,
            description=task.description,
            arguments=task.arguments,
            concurrency_tag=task.concurrency_tag,
            priority=task.priority,
            project_number=task.project_number,
            environment_number=task.environment_number,
            tenant_number=task.tenant_number,
            clock=clock,
        )
        _record(actor, again, "TaskQueued", f"was queued once more after {task.public_id}", clock)
    return again


def _record(actor: Actor, task: ServerTask, category: str, what: str, clock: Clock) -> None:
    record(
        actor=actor,
        space=task.space,
        category=category,
        message=f"{task.description} {what}",
        subject=task.public_id,
        related=related_ids(task),
        clock=clock,
    )
