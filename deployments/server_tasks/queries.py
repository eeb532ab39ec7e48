"""Reading tasks: filters, totals and what a queued one waits for; what nodes do."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import BigIntegerField, Count, Min, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from deployments.base.models import Space
from deployments.base.querysets import SpaceQuerySet
from deployments.server_tasks.models import ServerNode, ServerTask
from deployments.server_tasks.states import RUNNING, TaskState

_EVERY_SPACE = "nodes and the queue serve all spaces"
# Six signs of life late.
OFFLINE_AFTER: Final = timedelta(seconds=60)
# Counting the key instead would read it, which the index of the totals does not have.
_ROW = Value(1)
WIRE_STATES = {
    "Queued",
    "Executing",
    "Failed",
    "Canceled",
    "TimedOut",
    "Success",
    "Cancelling",
}


def in_states(rows: "QuerySet[ServerTask]", states: list[str]) -> "QuerySet[ServerTask]":
    """Return tasks in states as the wire names them, where Paused counts as Executing."""
    wanted = set(states)
    if "Executing" in wanted:
        wanted.add(TaskState.PAUSED)
    return rows.filter(state__in=wanted)


def totals_by_state(rows: "QuerySet[ServerTask]") -> dict[str, int]:
    """Return how many tasks there are per state of the wire, and how many wait for people."""
    counted = (
        rows.order_by()
        .values("state")
        .annotate(
            number=Count(_ROW), interrupted=Count(_ROW, filter=Q(has_pending_interruptions=True))
        )
    )
    totals = dict.fromkeys(sorted(WIRE_STATES), 0)
    interrupted = 0
    for row in counted:
        state = "Executing" if row["state"] == TaskState.PAUSED else row["state"]
        totals[state] += row["number"]
        interrupted += row["interrupted"]
    return {**totals, "Interrupted": interrupted}


_PLACE = Coalesce("queue_place", "id", output_field=BigIntegerField())


def in_queue_order(rows: SpaceQuerySet[ServerTask]) -> SpaceQuerySet[ServerTask]:
    """Return tasks in the order in which they may start: `place` is what counts after priority."""
    return rows.annotate(place=_PLACE).order_by("-is_moved_to_top", "-priority", "place", "id")


def queued_behind(task: ServerTask) -> SpaceQuerySet[ServerTask]:
    """Return the tasks of the same concurrency tag that go before a queued one."""
    rows = ServerTask.objects.in_space(task.space)
    if task.state != TaskState.QUEUED or not task.concurrency_tag:
        return rows.none()
    place = task.pk if task.queue_place is None else task.queue_place
    higher = Q(priority__gt=task.priority)
    earlier = Q(place__lt=place) | Q(place=place, pk__lt=task.pk)
    ahead = higher | (Q(priority=task.priority) & earlier)
    if not task.is_moved_to_top:
        ahead = Q(is_moved_to_top=True) | ahead
    else:
        ahead = Q(is_moved_to_top=True) & ahead
    rows = rows.annotate(place=_PLACE)
    return rows.filter(concurrency_tag=task.concurrency_tag).filter(
        Q(state__in=RUNNING - {TaskState.PAUSED}) | (Q(state=TaskState.QUEUED) & ahead)
    )


def is_offline(node: ServerNode, now: datetime) -> bool:
    """Tell whether the node has given no sign of life for a while."""
    return node.last_seen <= now - OFFLINE_AFTER


def running_on_nodes() -> dict[str, int]:
    """Return how many tasks hold a slot, by the name of their node."""
    rows = ServerTask.objects.unscoped(reason=_EVERY_SPACE)
    running = rows.filter(state__in=(TaskState.EXECUTING, TaskState.CANCELLING)).order_by()
    counted = running.values("node_name").annotate(number=Count(_ROW))
    return {row["node_name"]: row["number"] for row in counted}


def totals_of_server() -> tuple[dict[str, int], datetime | None]:
    """Return the totals by state of all spaces, and since when the longest waiting task is due."""
    rows = ServerTask.objects.unscoped(reason=_EVERY_SPACE)
    due = rows.filter(state=TaskState.QUEUED, not_before=None)
    return totals_by_state(rows), due.aggregate(oldest=Min("queued"))["oldest"]


def objection_to_deletion(space: Space) -> str:
    """Return why a space may not be deleted while its tasks run."""
    count = ServerTask.objects.in_space(space).filter(state__in=RUNNING).count()
    if not count:
        return ""
    what = "1 task still runs" if count == 1 else f"{count} tasks still run"
    return f"{what} in the space. Wait for the end, or cancel what runs, before you delete it."
