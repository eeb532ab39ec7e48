"""Reads of the engine's rows that more than one page needs."""

from collections.abc import Iterable
from typing import Final

from django.db.models import Count, Sum

from deployments.base.models import Space
from deployments.execution.models import ActionExecution, AgentMessage, ExecutionPlan, LogArchive
from deployments.execution.states import ENDED
from deployments.server_tasks.models import ServerTask

# What runs has not ended, whatever the figures say.
_MOST_PERCENT: Final = 99

_REASON = "an administrator counts what is stored"


def count_archived_logs() -> tuple[int, int]:
    """Return how many logs of all spaces are archived, and their bytes."""
    rows = LogArchive.objects.unscoped(reason=_REASON)
    found = rows.aggregate(number=Count("pk"), size=Sum("size"))
    return found["number"], found["size"] or 0


def count_unfinished_commands() -> int:
    """Return how many commands agents of all spaces have not ended yet."""
    rows = AgentMessage.objects.unscoped(reason=_REASON)
    return rows.filter(kind="run", finished=None).count()


def progress_of(space: Space, tasks: Iterable[ServerTask]) -> dict[int, int]:
    """Return how many percent of its actions each running task has ended; two queries for all."""
    running = [task.pk for task in tasks if task.started and not task.is_completed]
    if not running:
        return {}
    plans = ExecutionPlan.objects.in_space(space).filter(task__in=running, places__gt=0)
    # A second attempt is no further place.
    rows = ActionExecution.objects.in_space(space).filter(
        task__in=running, state__in=ENDED, attempt=1
    )
    counted = rows.order_by().values("task").annotate(number=Count("pk"))
    ended = dict(counted.values_list("task", "number"))
    return {
        task: min(_MOST_PERCENT, ended.get(task, 0) * 100 // places)
        for task, places in plans.values_list("task", "places")
    }
