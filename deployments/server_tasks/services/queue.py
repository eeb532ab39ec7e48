"""The queue: which waiting tasks may run now, and why the others wait.

First in, first out among tasks of one priority whose concurrency tag is free, with equal shares
for the projects of prioritised ones (server_tasks.fair). Schedulers of one
node exclude each other by a write to the node's row; those of several nodes by the conditional
update of the task and the unique running tag.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from deployments.base.clock import Clock, utc_now
from deployments.base.models import Space
from deployments.base.querysets import SpaceQuerySet
from deployments.base.wake import wake
from deployments.server_tasks.fair import Waiting, fair_order
from deployments.server_tasks.kinds import find_kind
from deployments.server_tasks.models import ServerNode, ServerTask
from deployments.server_tasks.queries import in_queue_order
from deployments.server_tasks.services.enqueue import PARENT_TASK
from deployments.server_tasks.services.moves import move
from deployments.server_tasks.services.nodes import claim_node, others_take_tasks
from deployments.server_tasks.states import TaskState

DRAINING = "Every node of the server is drained: none takes new tasks."
_LONGEST_WAIT = timedelta(days=1)
_AFTER_SCHEDULE = timedelta(hours=1)
_MOST_LOOKED_AT = 2000
_EVERY_SPACE = "the queue spans the spaces"
_HOLDING = (TaskState.EXECUTING, TaskState.CANCELLING)

# Told the name of a Celery task and the number of a server task.
HandOver = Callable[[str, int], None]


@dataclass
class _Room:
    """What is free while one pass goes through the queue."""

    now: datetime
    hand_over: HandOver
    node_name: str
    is_draining: bool
    free_slots: int
    cap: int
    stopped_spaces: set[int]
    running_of_projects: Counter[int | None] = field(default_factory=Counter)
    tags: dict[str, int] = field(default_factory=dict)


def schedule(*, node_name: str, clock: Clock = utc_now, hand_over: HandOver = wake) -> list[int]:
    """Start what may start on this node; return the numbers of the started tasks.

    `hand_over` is told of each, before the commit, with the Celery task that carries it on.
    """
    now = clock()
    expire_queued(now=now)
    with transaction.atomic():
        node = claim_node(node_name, now)
        if node.is_draining and others_take_tasks(node, now):
            return []  # not even children, which need no slot
        waiting = list(_waiting()[:_MOST_LOOKED_AT])
        if not waiting:
            return []
        room = _look_around(node, now, hand_over)
        reasons = {task.pk: _take_or_explain(task, room) for task in _by_turn(waiting, room)}
        # In the order of their numbers, as everybody locks several tasks: nobody then waits in a
        # circle.
        waiting.sort(key=lambda task: task.pk)
        started = [task.pk for task in waiting if not reasons[task.pk] and _start(task, room)]
    for task in waiting:
        _explain(task, reasons[task.pk])
    return started


def expire_queued(*, now: datetime) -> int:
    """Time out the tasks that waited beyond their expiry; return how many.

    Where none was set, a task waits for a day at most, a scheduled one for an hour beyond its
    time (infrastructure.md 24.1).
    """
    rows = ServerTask.objects.unscoped(reason=_EVERY_SPACE)
    late = Q(expires=None, not_before=None, queued__lte=now - _LONGEST_WAIT)
    missed = Q(expires=None, not_before__lte=now - _AFTER_SCHEDULE)
    return rows.filter(Q(expires__lte=now) | late | missed, state=TaskState.QUEUED).update(
        state=TaskState.TIMED_OUT,
        completed=now,
        last_updated=now,
        waiting_reason="",
        error_message="The task was not started before its queue time expired.",
    )


def _waiting() -> SpaceQuerySet[ServerTask]:
    rows = ServerTask.objects.unscoped(reason=_EVERY_SPACE)
    resumable = Q(state=TaskState.PAUSED, has_pending_interruptions=False, cancel_requests=0)
    return in_queue_order(rows.filter(Q(state=TaskState.QUEUED) | resumable))


def _by_turn(waiting: list[ServerTask], room: _Room) -> list[ServerTask]:
    """Return the tasks in the order of their turns: children first, the scheduled ones last.

    Somebody who holds a slot waits for a child, so it must not stand behind one without a slot.
    """
    due = [task for task in waiting if not _is_early(task, room)]
    turns = fair_order(
        [Waiting(t.pk, t.project_number, t.is_moved_to_top, t.priority > 0) for t in due],
        room.running_of_projects,
        room.cap,
    )
    by_pk = {task.pk: task for task in due}
    ordered = sorted((by_pk[pk] for pk in turns), key=lambda task: not _is_child(task))
    return [*ordered, *(task for task in waiting if _is_early(task, room))]


def _look_around(node: ServerNode, now: datetime, hand_over: HandOver) -> _Room:
    cap = 0 if node.is_draining else node.task_cap
    holding = ServerTask.objects.unscoped(reason=_EVERY_SPACE).filter(state__in=_HOLDING)
    running = list(holding.values_list("pk", "concurrency_tag", "node_name", "project_number"))
    mine = [project for _, _, name, project in running if name == node.name]
    # A deleted space has tasks until its rows are gone, and one may come late.
    stopped = Space.every.filter(Q(task_queue_stopped=True) | ~Q(deletion=""))
    return _Room(
        now=now,
        hand_over=hand_over,
        node_name=node.name,
        is_draining=node.is_draining,
        cap=cap,
        free_slots=max(0, cap - len(mine)),
        stopped_spaces=set(stopped.values_list("pk", flat=True)),
        running_of_projects=Counter(mine),
        tags={tag: pk for pk, tag, *_ in running if tag},
    )


def _take_or_explain(task: ServerTask, room: _Room) -> str:
    """Take a slot and the tag for the task, else return why it waits; writes nothing."""
    reason = _reason_to_wait(task, room)
    is_stopped = task.space_id in room.stopped_spaces
    if not reason:
        room.free_slots -= not _is_child(task)
    if task.concurrency_tag and not is_stopped and not _is_early(task, room):
        room.tags.setdefault(task.concurrency_tag, task.pk)
    return reason


def _explain(task: ServerTask, reason: str) -> None:
    if reason and reason != task.waiting_reason:
        rows = ServerTask.objects.unscoped(reason=_EVERY_SPACE)
        rows.filter(pk=task.pk, state=task.state).update(waiting_reason=reason)


def _reason_to_wait(task: ServerTask, room: _Room) -> str:
    if task.space_id in room.stopped_spaces:
        return "The task queue of the space is stopped."
    if _is_early(task, room):
        return f"Scheduled for {task.not_before:%Y-%m-%d %H:%M} UTC."
    ahead = room.tags.get(task.concurrency_tag) if task.concurrency_tag else None
    if ahead is not None:
        return f"Behind ServerTasks-{ahead}, which has the same concurrency tag."
    if room.free_slots <= 0 and not _is_child(task):
        return DRAINING if room.is_draining else "Every task slot is taken."
    return ""


def _is_child(task: ServerTask) -> bool:
    """Tell whether a task that holds a slot waits for this one, which then needs none."""
    return bool(task.arguments.get(PARENT_TASK))


def _is_early(task: ServerTask, room: _Room) -> bool:
    return (
        task.state == TaskState.QUEUED
        and task.not_before is not None
        and task.not_before > room.now
    )


def _start(task: ServerTask, room: _Room) -> bool:
    kind = find_kind(task.kind)
    if kind is None:
        message = f"No part of this server carries out tasks of the kind {task.kind}."
        move(task.pk, TaskState.FAILED, now=room.now, error_message=message)
        return False
    try:
        with transaction.atomic():
            moved = move(
                task.pk,
                TaskState.EXECUTING,
                now=room.now,
                sources=[TaskState(task.state)],
                unless_canceled=True,
                started=task.started or room.now,
                node_name=room.node_name,
                waiting_reason="",
            )
    except IntegrityError:
        return False
    if moved:
        room.hand_over(kind.advance, task.pk)
    return moved
