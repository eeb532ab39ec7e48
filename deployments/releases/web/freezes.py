"""Deployment freezes: what is frozen now and next, and the form of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.base.numbers import whole_number
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.releases.freezes.documents import DAY_NUMBERS, TYPES, WEEKDAYS, checked_zone
from deployments.releases.freezes.holding import may_see, schedule_of
from deployments.releases.freezes.schedule import Window, next_window, window_at, windows
from deployments.releases.freezes.words import recurrence_words
from deployments.releases.models import DeploymentFreeze, FreezeScope
from deployments.releases.services.freezes import (
    FreezeInput,
    FreezePlace,
    create_freeze,
    delete_freeze,
    update_freeze,
)
from deployments.releases.web.frames import visible_environments

LIST: Final = "administration/freezes"
_FORM: Final = "releases/freeze.html"
_NEXT_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class FreezeRow:
    """A freeze with what is shown of it."""

    freeze: DeploymentFreeze
    now: Window | None
    coming: Window | None
    recurrence: str
    places: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        return self.now is None and self.coming is None


@require_GET
@page(Permission.ProjectView)
def freeze_list(request: PageRequest) -> HttpResponse:
    """List the freezes: those of now, those that come, those that are over."""
    names = {row.pk: row.name for row in visible_environments(request)}
    visible = DeploymentFreeze.objects.visible_to(
        request.actor, request.space, Permission.ProjectView
    )
    rows = [_row(request, freeze, names) for freeze in visible.prefetch_related("scopes__project")]
    values = {
        "now": [row for row in rows if row.now],
        "coming": sorted(
            (row for row in rows if row.coming and not row.now),
            key=lambda row: row.coming.start if row.coming else row.freeze.start,
        ),
        "over": [row for row in rows if row.is_over],
        "may_edit": request.grants.allows(Permission.DeploymentFreezeAdminister),
    }
    return show(request, "releases/freezes.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.DeploymentFreezeAdminister)
def freeze_new(request: PageRequest) -> HttpResponse:
    """Create a freeze."""
    if request.method == "GET":
        return _form(request, None, _blank())
    row, problems = attempt(
        lambda: create_freeze(
            actor=request.actor, space=request.space, freeze=_input(request, None)
        )
    )
    if row is None:
        return _form(request, None, _sent(request.POST), problems)
    messages.success(request, f"The deployment freeze {row.name} was created.")
    return go(request, LIST)


@require_http_methods(["GET", "POST"])
@page(Permission.ProjectView)
def freeze_edit(request: PageRequest, freeze: str) -> HttpResponse:
    """Show and change one freeze."""
    row = find(request, DeploymentFreeze, freeze, Permission.ProjectView)
    row.space = request.space
    if request.method == "GET":
        return _form(request, row, _stored(row))
    request.grants.require(Permission.DeploymentFreezeAdminister)
    saved, problems = attempt(
        lambda: update_freeze(actor=request.actor, row=row, freeze=_input(request, row))
    )
    if saved is None:
        stored = find(request, DeploymentFreeze, freeze, Permission.ProjectView)
        return _form(request, stored, _sent(request.POST), problems)
    messages.success(request, f"The deployment freeze {saved.name} was saved.")
    return go(request, LIST)


@require_POST
@page(Permission.DeploymentFreezeAdminister)
def freeze_delete(request: PageRequest, freeze: str) -> HttpResponse:
    """Delete a freeze."""
    row = find(request, DeploymentFreeze, freeze, Permission.ProjectView)
    row.space = request.space
    name = row.name
    delete_freeze(actor=request.actor, row=row)
    messages.success(request, f"The deployment freeze {name} was deleted.")
    return go(request, LIST)


def _row(
    request: PageRequest, freeze: DeploymentFreeze, environments: Mapping[int, str]
) -> FreezeRow:
    schedule, now = schedule_of(freeze), utc_now()
    seen = [
        scope
        for scope in freeze.scopes.all()
        if scope.environment_id in environments
        and may_see(request.grants, scope.project, scope.environment_id)
    ]
    by_project: dict[str, list[str]] = {}
    for scope in seen:
        name = environments[scope.environment_id]
        words = f"{name} (Tenants-{scope.tenant_number})" if scope.tenant_number else name
        by_project.setdefault(scope.project.name, []).append(words)
    return FreezeRow(
        freeze=freeze,
        now=window_at(schedule, now),
        coming=next_window(schedule, now),
        recurrence=recurrence_words(schedule),
        places=tuple(f"{project}: {', '.join(each)}" for project, each in by_project.items()),
    )


def _form(
    request: PageRequest,
    row: DeploymentFreeze | None,
    values: dict[str, Any],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    environments = visible_environments(request)
    visible = Project.objects.visible_to(request.actor, request.space, Permission.ProjectView)
    projects = list(visible)
    scopes = list(FreezeScope.objects.filter(freeze=row)) if row else []
    marked = {
        f"{scope.project_id}:{scope.environment_id}" for scope in scopes if not scope.tenant_number
    }
    held = {scope.project_id for scope in scopes}
    coming = (
        list(zip(range(_NEXT_SHOWN), windows(schedule_of(row), after=utc_now()), strict=False))
        if row
        else []
    )
    shown = {
        "freeze": row,
        "values": values,
        "environments": environments,
        "matrix": [
            (
                project,
                [
                    (each, f"{project.pk}:{each.pk}", f"{project.pk}:{each.pk}" in marked)
                    for each in environments
                ],
            )
            for project in projects
            if project.pk in held
        ],
        "others": [project for project in projects if project.pk not in held],
        "zones": sorted(available_timezones()),
        "types": TYPES,
        "weekdays": WEEKDAYS,
        "day_numbers": DAY_NUMBERS,
        "tenants": sum(1 for scope in scopes if scope.tenant_number),
        "windows": [window for _, window in coming],
        "may_edit": request.grants.allows(Permission.DeploymentFreezeAdminister),
    }
    return show(request, _FORM, shown, problems)


def _input(request: PageRequest, row: DeploymentFreeze | None) -> FreezeInput:
    """Read the form; raises Invalid."""
    sent = request.POST
    zone = checked_zone(sent.get("time_zone", ""))
    return FreezeInput(
        name=sent.get("name", ""),
        start=_moment(sent, "start", zone),
        end=_moment(sent, "end", zone),
        time_zone=zone,
        recurrence=_recurrence(sent, zone),
        places=_places(request, row),
        owner=row.owner if row else None,
    )


def _places(request: PageRequest, row: DeploymentFreeze | None) -> list[FreezePlace]:
    """Return the marked places of the matrix, those that are added, and what was not shown."""
    sent = request.POST
    visible = Project.objects.visible_to(request.actor, request.space, Permission.ProjectView)
    projects = {project.pk: project for project in visible}
    environments = {each.pk: each for each in visible_environments(request)}
    marked = {tuple(text.split(":", 1)) for text in sent.getlist("place") if ":" in text}
    added = {
        (project, environment)
        for project in sent.getlist("project")
        for environment in sent.getlist("environment")
    }
    if sent.getlist("project") and not sent.getlist("environment"):
        raise Invalid("Mark the environments in which the added projects are frozen.")
    places = []
    for project_text, environment_text in sorted(marked | added):
        project = projects.get(whole_number(project_text) or 0)
        environment = environments.get(whole_number(environment_text) or 0)
        if project and environment:
            places.append(FreezePlace(project, environment))
    return places + _kept(row, projects, environments)


def _kept(
    row: DeploymentFreeze | None, projects: Mapping[int, Project], shown: Mapping[int, Environment]
) -> list[FreezePlace]:
    """Return the places that the form does not show: of tenants, or hidden from the editor."""
    scopes = FreezeScope.objects.filter(freeze=row).select_related("project", "environment")
    return [
        FreezePlace(scope.project, scope.environment, scope.tenant_number)
        for scope in (scopes if row else ())
        if scope.tenant_number
        or scope.project_id not in projects
        or scope.environment_id not in shown
    ]


def _recurrence(sent: QueryDict, zone: str) -> dict[str, Any] | None:
    if not sent.get("type"):
        return None
    ends = sent.get("ends", "Never")
    by_weekday = sent.get("monthly") == "DayOfMonth"
    document: dict[str, Any] = {
        "Type": sent.get("type"),
        "Unit": sent.get("unit"),
        "DaysOfWeek": sent.getlist("weekday"),
        "MonthlyScheduleType": "DayOfMonth" if by_weekday else "DateOfMonth",
        "DateOfMonth": sent.get("date_of_month"),
        "DayNumberOfMonth": sent.get("day_number"),
        "DayOfWeek": sent.get("day_of_week"),
        "EndType": ends,
        "EndAfterOccurrences": sent.get("end_after"),
    }
    if ends == "OnDate":
        document["EndOnDate"] = _moment(sent, "end_on", zone).isoformat()
    return document


def _moment(sent: QueryDict, name: str, zone: str) -> datetime:
    try:
        wall = datetime.fromisoformat(sent.get(name, ""))
    except ValueError:
        field = {"start": "Start", "end": "End"}.get(name, "RecurringSchedule")
        raise Invalid(fields={field: ["Give a date and a time."]}) from None
    return wall.replace(tzinfo=ZoneInfo(zone))


def _blank() -> dict[str, Any]:
    return {
        "time_zone": "UTC",
        "unit": 1,
        "ends": "Never",
        "monthly": "DateOfMonth",
        "day_number": "1",
        "day_of_week": "Monday",
        "weekdays": [],
    }


def _stored(row: DeploymentFreeze) -> dict[str, Any]:
    zone = ZoneInfo(row.time_zone)
    document: dict[str, Any] = row.recurrence or {}
    recurrence = schedule_of(row).recurrence
    return _blank() | {
        "name": row.name,
        "start": f"{row.start.astimezone(zone):%Y-%m-%dT%H:%M}",
        "end": f"{row.end.astimezone(zone):%Y-%m-%dT%H:%M}",
        "time_zone": row.time_zone,
        "type": document.get("Type", ""),
        "unit": document.get("Unit", 1),
        "weekdays": document.get("DaysOfWeek") or [],
        "monthly": document.get("MonthlyScheduleType", "DateOfMonth"),
        "date_of_month": document.get("DateOfMonth", ""),
        "day_number": document.get("DayNumberOfMonth", "1"),
        "day_of_week": document.get("DayOfWeek", "Monday"),
        "ends": document.get("EndType", "Never"),
        "end_after": document.get("EndAfterOccurrences") or "",
        "end_on": (
            f"{recurrence.end_on.astimezone(zone):%Y-%m-%dT%H:%M}"
            if recurrence and recurrence.end_on
            else ""
        ),
    }


def _sent(sent: QueryDict) -> dict[str, Any]:
    return {**sent.dict(), "weekdays": sent.getlist("weekday")}
