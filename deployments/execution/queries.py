"""Reads of the engine's rows that more than one place needs."""

from collections.abc import Iterable
from typing import Final

from django.db.models import Count, Sum

from deployments.base import public_ids
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.execution.models import ActionExecution, AgentMessage, ExecutionPlan, LogArchive
from deployments.execution.states import ENDED
from deployments.releases.models import Deployment, RunbookRun
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


def deployment_of(task: ServerTask) -> Deployment:
    """Return the deployment that a task of the kind Deploy carries out."""
    number = public_ids.parse("Deployments", str(task.arguments.get("DeploymentId", "")))
    found = (
        Deployment.objects.in_space(task.space)
        .filter(pk=number or 0, task=task)
        .select_related(
            "project__group",
            "release__process_snapshot",
            "release__variable_snapshot",
            "channel__lifecycle",
            "project__lifecycle",
            "environment",
            "space",
        )
        .first()
    )
    if found is None:
        raise Invalid("The deployment of this task does not exist any more.")
    found.release.project, found.release.space = found.project, found.space
    found.channel.project = found.project
    found.task = task
    return found


def run_of(task: ServerTask) -> RunbookRun:
    """Return the run that a task of the kind RunbookRun carries out."""
    number = public_ids.parse(RunbookRun.id_prefix, str(task.arguments.get("RunbookRunId", "")))
    found = (
        RunbookRun.objects.in_space(task.space)
        .filter(pk=number or 0, task=task)
        .select_related(
            "project__group",
            "snapshot__runbook",
            "snapshot__process_snapshot",
            "snapshot__variable_snapshot",
            "environment",
            "space",
        )
        .first()
    )
    if found is None:
        raise Invalid("The runbook run of this task does not exist any more.")
    found.snapshot.project, found.snapshot.space = found.project, found.space
    found.task = task
    return found
