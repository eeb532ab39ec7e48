"""Queueing passes of retention: by people, and every four hours for each space."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.models import Space
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import enqueue
from deployments.server_tasks.states import FINISHED

KIND: Final = "Retention"
# The argument of a pass that only says what it would do.
DRY_RUN: Final = "DryRun"
EVERY: Final = timedelta(hours=4)


def request_retention(
    *,
    actor: Actor,
    space: Space,
    arguments: Mapping[str, Any],
    description: str = "",
    clock: Clock = utc_now,
) -> ServerTask:
    """Queue a pass over the space, a dry run where the arguments say so. Raises Invalid."""
    require(actor, space, Permission.RetentionAdminister)
    is_dry = arguments.get(DRY_RUN, False)
    if not isinstance(is_dry, bool):
        raise Invalid(fields={DRY_RUN: ["true or false is expected."]})
    with transaction.atomic():
        task = _enqueue(actor, space, clock, is_dry=is_dry, description=description)
        record(
            actor=actor,
            space=space,
            category="TaskQueued",
            message="A dry run of retention was queued" if is_dry else "Retention was queued",
            subject=task.public_id,
            clock=clock,
        )
    return task


def queue_due_passes(*, clock: Clock = utc_now) -> int:
    """Queue a pass for each space whose last one began four hours ago; return how many."""
    now = clock()
    count = 0
    for space in Space.objects.order_by("pk"):
        if not _is_due(space, now):
            continue
        _enqueue(Actor.system("the schedule of retention"), space, clock, expires=now + EVERY)
        count += 1
    return count


def last_pass(space: Space) -> ServerTask | None:
    """Return the newest pass over the space that is no dry run."""
    return ServerTask.objects.in_space(space).filter(concurrency_tag=_tag(space)).first()


def _is_due(space: Space, now: datetime) -> bool:
    last = last_pass(space)
    if last is None:
        return True
    # A queue time in the future: the clock was set back since.
    is_recent = last.queued <= now < last.queued + EVERY
    return last.state in FINISHED and not is_recent


def _enqueue(
    actor: Actor,
    space: Space,
    clock: Clock,
    *,
    is_dry: bool = False,
    description: str = "",
    expires: datetime | None = None,
) -> ServerTask:
    words = "Say what retention would delete" if is_dry else "Delete what retention does not keep"
    return enqueue(
        actor=actor,
        space=space,
        kind=KIND,
        description=description.strip() or words,
        arguments={DRY_RUN: True} if is_dry else {},
        concurrency_tag="" if is_dry else _tag(space),
        expires=expires,
        clock=clock,
    )


def _tag(space: Space) -> str:
    return f"{KIND}/{space.public_id}"
