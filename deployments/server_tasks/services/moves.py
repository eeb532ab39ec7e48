"""The one way in which a task changes its state: a conditional update judged by its row count."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import FINISHED, TaskState, sources_of


def move(
    task_id: int,
    target: TaskState,
    *,
    now: datetime,
    sources: Collection[TaskState] | None = None,
    unless_canceled: bool = False,
    **fields: Any,
) -> bool:
    """Move the task if its state allows it; return whether this call did so.

    `sources` narrows the states to come from, and with `unless_canceled` a task that was asked to
    stop stays. `fields` are written along. Raises IntegrityError
    when another task of the same concurrency tag runs.
    """
    allowed = sources_of(target)
    wanted = allowed if sources is None else allowed.intersection(sources)
    if target in FINISHED:
        fields.setdefault("completed", now)
        fields.update(waiting_reason="", has_pending_interruptions=False)
    rows = ServerTask.objects.unscoped(reason="the engine moves tasks of every space")
    if unless_canceled:
        rows = rows.filter(cancel_requests=0)
    return bool(
        rows.filter(pk=task_id, state__in=wanted).update(state=target, last_updated=now, **fields)
    )
