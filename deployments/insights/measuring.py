"""Reads of the metrics: sums that the database makes, three queries for any number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db.models import Avg, Count, Q, QuerySet
from django.db.models.functions import TruncWeek

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.insights.metrics import Metrics, by_week
from deployments.insights.models import DeploymentOutcome

_SUCCEEDED: Final = Count("pk", filter=Q(is_success=True))
_FAILED: Final = Count("pk", filter=Q(is_success=False))


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
    weeks: Sequence[tuple[date, int, int]]


def report(
    actor: Actor, space: Space, chosen: Chosen, *, period: timedelta, until: datetime
) -> Report:
    """Measure what the actor may see of the period that ends at `until`, and of the one before."""
    middle = until - period
    rows = _chosen(actor, space, chosen)
    new = rows.filter(completed__gte=middle, completed__lt=until)
    old = rows.filter(completed__gte=middle - period, completed__lt=middle)
    counted: Any = new.annotate(week=TruncWeek("completed")).values("week")
    weeks = {
        row["week"].date(): (row["succeeded"], row["failed"])
        for row in counted.annotate(succeeded=_SUCCEEDED, failed=_FAILED)
    }
    return Report(_measured(new), _measured(old), by_week(weeks, middle.date(), until.date()))


def _chosen(actor: Actor, space: Space, chosen: Chosen) -> "QuerySet[DeploymentOutcome]":
    rows = DeploymentOutcome.objects.visible_to(actor, space, Permission.DeploymentView)
    if chosen.project:
        rows = rows.filter(project=chosen.project)
    if chosen.group:
        rows = rows.filter(project__group=chosen.group)
    if chosen.environment:
        rows = rows.filter(environment=chosen.environment)
    return rows.order_by()


def _measured(rows: "QuerySet[DeploymentOutcome]") -> Metrics:
    means = {name: Avg(name) for name in ("lead", "recovery", "duration", "queueing")}
    found = rows.aggregate(succeeded=_SUCCEEDED, failed=_FAILED, **means)
    lead, recovery, duration, queueing = (
        None if found[name] is None else timedelta(seconds=found[name]) for name in means
    )
    return Metrics(found["succeeded"], found["failed"], lead, recovery, duration, queueing)
