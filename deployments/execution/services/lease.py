"""The claim on a task by the worker that advances it; conditional updates, no locks.

Whoever finds a task claimed leaves a mark, and the claimant looks once more before it lets go:
so a result that arrives meanwhile is never left lying.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.db.models import F, Q

from deployments.base.querysets import SpaceQuerySet
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import RUNNING

LEASE = timedelta(seconds=10)
_EVERY_SPACE = "the engine advances tasks of every space"


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim; `wake_count` is what the task's was when it was made."""

    task_id: int
    owner: str
    wake_count: int


def claim(task_id: int, *, now: datetime) -> Lease | None:
    """Claim a running task, or leave a mark for its claimant and return None."""
    owner = uuid4().hex
    free = Q(lease_owner="") | Q(lease_expires__lte=now)
    running = _task(task_id).filter(state__in=RUNNING)
    while True:
        if running.filter(free).update(lease_owner=owner, lease_expires=now + LEASE):
            count = _task(task_id).values_list("wake_count", flat=True)[0]
            return Lease(task_id, owner, count)
        if running.exclude(lease_owner="").update(wake_count=F("wake_count") + 1):
            return None
        if not running.exists():
            return None


def settle(lease: Lease, *, now: datetime) -> bool:
    """Let go inside the transaction that writes; False when the claim was lost to another."""
    return bool(
        _task(lease.task_id)
        .filter(lease_owner=lease.owner)
        .update(lease_owner="", lease_expires=None, last_updated=now)
    )


def was_woken(lease: Lease) -> bool:
    """Return whether somebody left a mark since the claim."""
    count = _task(lease.task_id).values_list("wake_count", flat=True)[0]
    return bool(count != lease.wake_count)


def _task(task_id: int) -> SpaceQuerySet[ServerTask]:
    return ServerTask.objects.unscoped(reason=_EVERY_SPACE).filter(pk=task_id)
