"""Reads of the metrics: a fixed number of queries, and rows without their models."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Max, OuterRef, QuerySet

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.execution.guided import KIND as GUIDED
from deployments.execution.models import Interruption
from deployments.insights.metrics import Ended, Metrics, by_week, measure
from deployments.releases.models import Deployment, Release
from deployments.server_tasks.states import TaskState

_COUNTED = (TaskState.SUCCESS, TaskState.FAILED, TaskState.TIMED_OUT)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is measured: the numbers of a project, a group of projects, an environment; 0 is all."""

    project: int = 0
    group: int = 0
    environment: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The metrics of a period and of the one before it, and the weeks of the period."""

    now: Metrics
    before: Metrics
    weeks: Sequence[tuple[Any, int, int]]


def report(
    actor: Actor, space: Space, chosen: Chosen, *, period: timedelta, until: datetime
) -> Report:
    """Measure what the actor may see of the period that ends at `until`, and of the one before."""
    middle = until - period
    first = middle - period
    rows = _chosen(actor, space, chosen)
    ended = _ended(space, rows.filter(task__completed__gte=first, task__completed__lt=until))
    releases = _releases(actor, space, {row.channel for row in ended})
    reached = _reached(rows.filter(task__completed__lt=first))
    old = [row for row in ended if row.completed < middle]
    new = [row for row in ended if row.completed >= middle]
    before = measure(old, releases, reached)
    for row in old:
        if row.state == TaskState.SUCCESS:
            reached[row.scope] = max(row.release, reached.get(row.scope, 0))
    return Report(
        measure(new, releases, reached), before, by_week(new, middle.date(), until.date())
    )


def _chosen(actor: Actor, space: Space, chosen: Chosen) -> "QuerySet[Deployment]":
    rows = Deployment.objects.visible_to(actor, space, Permission.DeploymentView)
    if chosen.project:
        rows = rows.filter(project=chosen.project)
    if chosen.group:
        rows = rows.filter(project__group=chosen.group)
    if chosen.environment:
        rows = rows.filter(environment=chosen.environment)
    return rows.filter(task__state__in=_COUNTED).order_by()


def _ended(space: Space, rows: "QuerySet[Deployment]") -> list[Ended]:
    asked = Interruption.objects.in_space(space).filter(task=OuterRef("task"), kind=GUIDED)
    columns = (
        *("channel_id", "environment_id", "release_id", "task__state", "task__queued"),
        *("task__started", "task__completed", "tenant_number", "is_guided"),
    )
    found: Any = rows.annotate(is_guided=Exists(asked)).values(*columns)
    return [
        Ended(
            channel=row["channel_id"],
            environment=row["environment_id"],
            release=row["release_id"],
            state=row["task__state"],
            queued=row["task__queued"],
            started=row["task__started"],
            completed=row["task__completed"],
            tenant=row["tenant_number"] or 0,
            needed_guidance=row["is_guided"],
        )
        for row in found
    ]


def _releases(
    actor: Actor, space: Space, channels: set[int]
) -> dict[int, tuple[list[int], list[datetime]]]:
    rows = Release.objects.visible_to(actor, space, Permission.ReleaseView)
    found: dict[int, tuple[list[int], list[datetime]]] = {}
    columns = ("channel_id", "pk", "assembled")
    for channel, number, made in (
        rows.filter(channel__in=channels).order_by("pk").values_list(*columns)
    ):
        numbers, moments = found.setdefault(channel, ([], []))
        numbers.append(number)
        moments.append(made)
    return found


def _reached(rows: "QuerySet[Deployment]") -> dict[tuple[int, int, int], int]:
    """Return the newest release that had succeeded, by channel, environment and tenant."""
    grouped = rows.filter(task__state=TaskState.SUCCESS).values(
        "channel_id", "environment_id", "tenant_number"
    )
    return {
        (row["channel_id"], row["environment_id"], row["tenant_number"] or 0): row["newest"]
        for row in grouped.annotate(newest=Max("release_id"))
    }
