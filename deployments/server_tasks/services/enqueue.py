"""Putting a task into the queue."""

from datetime import datetime
from typing import Any

from django.db import transaction

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.wake import wake
from deployments.server_tasks.kinds import find_kind
from deployments.server_tasks.models import ServerTask

SCHEDULE = "server_tasks.schedule"
MOST_DESCRIPTION = 500
# The argument that names the task for which another one was queued.
PARENT_TASK = "ParentTaskId"


def enqueue(
    *,
    actor: Actor,
    space: Space,
    kind: str,
    description: str,
    arguments: dict[str, Any],
    concurrency_tag: str = "",
    priority: int = 0,
    is_complete: bool = False,
    project_number: int | None = None,
    environment_number: int | None = None,
    tenant_number: int | None = None,
    not_before: datetime | None = None,
    expires: datetime | None = None,
    clock: Clock = utc_now,
) -> ServerTask:
    """Queue a task and wake the queue after commit.

    The caller has checked that the actor may do what the task does, and records its own event.
    Without `expires` the queue has its own limits (expire_queued). Raises Invalid for an unknown
    kind and for a queue time that ends before it begins.
    """
    if find_kind(kind) is None:
        raise Invalid(f"There is no kind of task named {kind}.")
    if expires is not None and expires <= (not_before or clock()):
        raise Invalid(
            fields={"QueueTimeExpiry": ["The expiry must be later than the time to start."]}
        )
    now = clock()
    with transaction.atomic(savepoint=False):
        task = ServerTask.objects.create(
            space=space,
            kind=kind,
            description=description[:MOST_DESCRIPTION],
            arguments=arguments,
            concurrency_tag=concurrency_tag,
            priority=priority,
            is_complete=is_complete,
            project_number=project_number,
            environment_number=environment_number,
            tenant_number=tenant_number,
            queued=now,
            last_updated=now,
            not_before=not_before,
            expires=expires,
            requested_by=actor.public_id,
        )
        wake(SCHEDULE)
    return task
