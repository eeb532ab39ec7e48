"""The claim on a task by the worker that advances it; conditional updates, no locks.

Whoever finds a task claimed leaves a mark, and the claimant looks once more before it lets go:
so a result that arrives meanwhile is never left lying.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from django.db.models import F, Q

from deployments.base.querysets import SpaceQuerySet
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import RUNNING

LEASE = timedelta(seconds=10)
# A claim never lasts longer, whatever the clocks of two nodes say: the clock was set back since.
IMPOSSIBLE = 2 * LEASE
_EVERY_SPACE = "the engine advances tasks of every space"


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim; `wake_count` and `task` are what they were when it was made."""

    task_id: int
    owner: str
    wake_count: int
    task: ServerTask = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """A claim that was let go; `was_woken` when somebody left a mark since it was made."""

    was_woken: bool


def claim(task_id: int, *, now: datetime) -> Lease | None:
    """Claim a running task, or leave a mark for its claimant and return None."""
    owner = uuid4().hex
    over = Q(lease_expires__lte=now) | Q(lease_expires__gt=now + IMPOSSIBLE)
    free = Q(lease_owner="") | over
    running = _task(task_id).filter(state__in=RUNNING)
    while True:
        if running.filter(free).update(lease_owner=owner, lease_expires=now + LEASE):
            task = _task(task_id).select_related("space").get()
            return Lease(task_id, owner, task.wake_count, task)
        if running.exclude(lease_owner="").update(wake_count=F("wake_count") + 1):
            return None
        if not running.exists():
            return None


def renew(lease: Lease, *, now: datetime) -> ServerTask | None:
    """Hold on to a claim for longer; return the task as it is now, None when the claim was lost."""
    mine = _task(lease.task_id).filter(lease_owner=lease.owner, state__in=RUNNING)
    if not mine.update(lease_expires=now + LEASE, last_updated=now):
        return None
    return _task(lease.task_id).select_related("space").get()


def settle(lease: Lease, *, now: datetime, waits_for_all: bool = False) -> Settled | None:
    """Let go inside the transaction that writes; None when the claim was lost to another.

    With `waits_for_all` nobody need be woken before all that the task runs has ended.

    Whoever comes after this waits for the commit and finds the task free, so whether a mark was
    left is known here already.
    """
    mine = _task(lease.task_id).filter(lease_owner=lease.owner)
    free = {
        "lease_owner": "",
        "lease_expires": None,
        "last_updated": now,
        "waits_for_all": waits_for_all,
    }
    if mine.filter(wake_count=lease.wake_count).update(**free):
        return Settled(was_woken=False)
    return Settled(was_woken=True) if mine.update(**free) else None


def _task(task_id: int) -> SpaceQuerySet[ServerTask]:
    return ServerTask.objects.unscoped(reason=_EVERY_SPACE).filter(pk=task_id)
