"""Reading the newest deployments, as light rows for matrices."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from deployments.projects.models import Project
from deployments.releases.cells import FAILED, UNDER_WAY, Deployed
from deployments.releases.models import Deployment
from deployments.server_tasks.states import TaskState

_COLUMNS = (
    "project_id",
    "environment_id",
    "release_id",
    "release__version",
    "task_id",
    "task__state",
    "task__has_warnings_or_errors",
    "task__has_pending_interruptions",
    "task__waiting_reason",
    "moment",
)
_NOTABLE = Q(task__state__in=FAILED | UNDER_WAY) | Q(task__has_pending_interruptions=True)


def newest_by_place(
    rows: "QuerySet[Deployment]",
    projects: "QuerySet[Project]",
    environments: Sequence[int],
    *,
    is_notable: bool = False,
) -> list[Deployed]:
    """Return the newest of the deployments in each environment of each of the projects.

    With `is_notable` only those that failed, are under way or wait for people. It looks into the
    index once for each place, whatever the number of deployments; one query.
    """
    if not environments:
        return []
    first, *others = (
        projects.order_by()
        .annotate(
            newest=Subquery(
                rows.filter(project=OuterRef("pk"), environment=number)
                .order_by("-pk")
                .values("pk")[:1]
            )
        )
        .values("newest")
        for number in environments
    )
    return _read(first.union(*others, all=True), _NOTABLE if is_notable else Q())


def newest_deployments(rows: "QuerySet[Deployment]", *by: str) -> list[Deployed]:
    """Return the newest deployment of each combination of the columns `by`; one query."""
    newest = rows.order_by().values(*by).annotate(newest=Max("pk")).values("newest")
    return _read(newest)


def _read(numbers: "QuerySet[Any, Any]", condition: Q = Q()) -> list[Deployed]:  # noqa: B008 never changed
    found: Any = Deployment.objects.unscoped(reason="among rows that were scoped").filter(
        condition, pk__in=numbers
    )
    moment = Coalesce("task__completed", "task__started", "task__queued")
    rows = found.order_by("-pk").annotate(moment=moment)
    return [_deployed(*values) for values in rows.values_list(*_COLUMNS)]


def previous_versions(rows: "QuerySet[Deployment]", current: Mapping[int, int]) -> dict[int, str]:
    """Return, by environment, the version that succeeded there last of another release.

    `current` are the releases (row numbers) that were deployed there last, however that ended;
    deployments for tenants do not count. One query.
    """
    found: Any = rows.filter(task__state=TaskState.SUCCESS, tenant_number=None)
    newest = (
        found.order_by()
        .values("environment_id", "release_id", "release__version")
        .annotate(newest=Max("pk"))
        .order_by("-newest")
    )
    previous: dict[int, str] = {}
    for row in newest:
        environment = row["environment_id"]
        if row["release_id"] != current.get(environment):
            previous.setdefault(environment, row["release__version"])
    return previous


def _deployed(*values: Any) -> Deployed:
    project, environment, release, version, task, state, warnings, waits, reason, moment = values
    return Deployed(
        project=project,
        environment=environment,
        release=release,
        version=version,
        task=task,
        state=state,
        moment=moment,
        has_warnings=warnings,
        is_waiting=waits,
        waiting_reason=reason,
    )
