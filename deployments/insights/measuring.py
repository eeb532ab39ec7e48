"""Reads of the metrics: a fixed number of queries, and memory for places instead of deployments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Window
from django.db.models.functions import Coalesce

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.execution.guided import KIND as GUIDED
from deployments.execution.models import Interruption
from deployments.insights.metrics import (
    Ended,
    Metrics,
    Releases,
    Scope,
    Standing,
    by_week,
    measure,
)
from deployments.releases.models import Deployment, Release
from deployments.server_tasks.states import TaskState

_COUNTED: Final = (TaskState.SUCCESS, TaskState.FAILED)
_SUCCEEDED: Final = Q(task__state=TaskState.SUCCESS, is_guided=False)
_SCOPE: Final = ("channel_id", "environment_id", "tenant_number")
_AT_ONCE: Final = 2_000


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
    counted = rows.filter(task__completed__gte=first, task__completed__lt=until)
    earlier = rows.filter(task__completed__lt=first)
    standing = Standing(_reached(earlier), _broken(earlier))
    releases = _releases(actor, space, chosen)
    found = {
        is_new: measure(part, releases, standing)
        for is_new, part in groupby(_ended(counted), key=lambda row: row.completed >= middle)
    }
    now = found.get(True, Metrics())
    return Report(now, found.get(False, Metrics()), by_week(now, middle.date(), until.date()))


def _chosen(actor: Actor, space: Space, chosen: Chosen) -> "QuerySet[Deployment]":
    rows = Deployment.objects.visible_to(actor, space, Permission.DeploymentView)
    if chosen.project:
        rows = rows.filter(project=chosen.project)
    if chosen.group:
        rows = rows.filter(project__group=chosen.group)
    if chosen.environment:
        rows = rows.filter(environment=chosen.environment)
    asked = Interruption.objects.in_space(space).filter(task=OuterRef("task"), kind=GUIDED)
    found = rows.filter(task__state__in=_COUNTED).order_by()
    return found.annotate(is_guided=Exists(asked))


def _ended(rows: "QuerySet[Deployment]") -> Iterator[Ended]:
    """Yield them in the order in which they ended."""
    columns = (
        *("channel_id", "environment_id", "release_id", "task__state", "due"),
        *("task__started", "task__completed", "tenant", "is_guided"),
    )
    found: Any = rows.annotate(
        due=Coalesce("task__not_before", "task__queued"), tenant=Coalesce("tenant_number", 0)
    )
    ordered = found.order_by("task__completed", "pk").values_list(*columns)
    return (Ended(*row) for row in ordered.iterator(_AT_ONCE))


def _releases(actor: Actor, space: Space, chosen: Chosen) -> Releases:
    """Return the releases of every channel that something may have been deployed from."""
    rows = Release.objects.visible_to(actor, space, Permission.ReleaseView)
    if chosen.project:
        rows = rows.filter(project=chosen.project)
    if chosen.group:
        rows = rows.filter(project__group=chosen.group)
    found: dict[int, tuple[list[int], list[datetime]]] = {}
    columns = ("channel_id", "pk", "assembled")
    for channel, number, made in rows.order_by("pk").values_list(*columns).iterator(_AT_ONCE):
        numbers, moments = found.setdefault(channel, ([], []))
        numbers.append(number)
        moments.append(made)
    return found


def _reached(rows: "QuerySet[Deployment]") -> dict[Scope, int]:
    """Return the newest release that had succeeded, by scope."""
    grouped = rows.filter(_SUCCEEDED).values(*_SCOPE).annotate(newest=Max("release_id"))
    return {
        (channel, environment, tenant or 0): newest
        for channel, environment, tenant, newest in grouped.values_list(*_SCOPE, "newest")
    }


def _broken(rows: "QuerySet[Deployment]") -> dict[Scope, datetime]:
    """Return when the first deployment failed that no success has followed, by scope."""
    last: Any = Window(
        Max("task__completed", filter=_SUCCEEDED), partition_by=[F(name) for name in _SCOPE]
    )
    # One condition: a part without the window would be taken from what the window sees.
    failed = rows.annotate(last=last).filter(
        (~_SUCCEEDED & Q(last=None)) | (~_SUCCEEDED & Q(task__completed__gt=F("last")))
    )
    found: dict[Scope, datetime] = {}
    columns = (*_SCOPE, "task__completed")
    for channel, environment, tenant, completed in failed.values_list(*columns):
        scope = (channel, environment, tenant or 0)
        found[scope] = min(completed, found.get(scope, completed))
    return found
