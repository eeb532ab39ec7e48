"""Reading the newest deployments, as light rows for matrices."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Case, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from deployments.base.models import Space
from deployments.infrastructure.models import Environment
from deployments.releases.cells import FAILED, UNDER_WAY, Deployed, Standing
from deployments.releases.models import Deployment, Release
from deployments.server_tasks.models import ServerTask
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
_SCOPED = "among rows that were scoped"
_CELL = ("project_number", "environment_number")


def newest_by_place(
    tasks: "QuerySet[ServerTask]",
    projects: Collection[int],
    environments: Collection[int] | None = None,
) -> list[Deployed]:
    """Return the newest deployment in each environment of each of the projects; one query.

    `tasks` are those of deployments that count: it reads the current ones among them, whatever
    their number. Without `environments` all of them are looked at.
    """
    mine = tasks.filter(project_number__in=projects)
    if environments is not None:
        mine = mine.filter(environment_number__in=environments)
    newest = _newest_tasks(mine)
    return _read(Deployment.objects.unscoped(reason=_SCOPED).filter(task__in=newest))


def releases_by_place(
    tasks: "QuerySet[ServerTask]", environments: Collection[int]
) -> dict[int, dict[int, int]]:
    """Return the release that is in each environment of each project; one query."""
    found = Deployment.objects.unscoped(reason=_SCOPED).filter(
        task__in=_newest_tasks(tasks.filter(environment_number__in=environments))
    )
    places: dict[int, dict[int, int]] = {}
    columns = ("project_id", "environment_id", "release_id")
    for project, environment, release in found.order_by().values_list(*columns):
        places.setdefault(project, {})[environment] = release
    return places


def notable_places(tasks: "QuerySet[ServerTask]", environments: Collection[int]) -> list[Standing]:
    """Return how the places stand whose newest deployment failed, is under way or waits for people.

    One query, which reads no more than those.
    """
    current = tasks.filter(is_current=True, environment_number__in=environments)
    newer = current.filter(**{name: OuterRef(name) for name in _CELL}, pk__gt=OuterRef("pk"))
    rows = current.filter(~Exists(newer), state__in=FAILED | UNDER_WAY).order_by()
    columns = (*_CELL, "state", "has_pending_interruptions")
    return [
        Standing(project=project, environment=environment, state=state, is_waiting=waits)
        for project, environment, state, waits in rows.values_list(*columns)
    ]


def _newest_tasks(tasks: "QuerySet[ServerTask]") -> "QuerySet[ServerTask, Any]":
    """Return the query of the newest task of each cell; tenants share one."""
    current: Any = tasks.filter(is_current=True).order_by()
    newest: QuerySet[ServerTask, Any]
    newest = current.values(*_CELL).annotate(newest=Max("pk")).values("newest")
    return newest


def newest_deployments(rows: "QuerySet[Deployment]", *by: str) -> list[Deployed]:
    """Return the newest deployment of each combination of the columns `by`; one query."""
    newest = rows.order_by().values(*by).annotate(newest=Max("pk")).values("newest")
    return _read(Deployment.objects.unscoped(reason=_SCOPED).filter(pk__in=newest))


def current_by_lane(
    rows: "QuerySet[Deployment]", project: int
) -> dict[tuple[int | None, int], Deployed]:
    """Return what is there now, by tenant (None without one) and environment; two queries."""
    current = rows.filter(project=project, task__is_current=True)
    tenants = dict(current.order_by().values_list("task_id", "tenant_number"))
    return {
        (tenants[each.task], each.environment): each
        for each in _read(current)
        if each.task in tenants
    }


def _read(found: Any) -> list[Deployed]:
    moment = Coalesce("task__completed", "task__started", "task__queued")
    rows = found.order_by("-pk").annotate(moment=moment)
    return [_deployed(*values) for values in rows.values_list(*_COLUMNS)]


def previous_versions(
    rows: "QuerySet[Deployment]",
    space: Space,
    current: Mapping[int, int],
    *,
    by_channel: bool = False,
) -> dict[int, str]:
    """Return, by environment, the version that succeeded there last of another release.

    `current` are the releases (row numbers) that were deployed there last, however that ended.
    Deployments for tenants do not count: there is nothing to go back to where one is the last.
    With `by_channel` it is of the same channel. One query, which looks back in each place until
    it has found one.
    """
    if not current:
        return {}
    now = Case(*(When(pk=place, then=Value(release)) for place, release in current.items()))
    there = rows.filter(environment=OuterRef("pk"), tenant_number=None).order_by("-pk")
    earlier = there.filter(~Q(release=OuterRef("now")), task__state=TaskState.SUCCESS)
    newest = there
    if by_channel:
        earlier = earlier.filter(channel=OuterRef("channel"))
        newest = newest.filter(channel=OuterRef("channel"))
    channel = Release.objects.in_space(space).filter(pk=OuterRef("now")).values("channel")
    places = Environment.objects.in_space(space).filter(pk__in=current).order_by()
    found: Any = places.annotate(now=now).annotate(channel=Subquery(channel))
    found = found.annotate(
        newest=Subquery(newest.values("release")[:1]),
        previous=Subquery(earlier.values("release__version")[:1]),
    ).filter(newest=F("now"), previous__isnull=False)
    return dict(found.values_list("pk", "previous"))


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
