"""Deployment freezes: what is frozen now and next, and the form of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from zoneinfo import available_timezones

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.clock import utc_now
from deployments.releases.freezes.documents import DAY_NUMBERS, TYPES, WEEKDAYS
from deployments.releases.freezes.holding import may_see, schedule_of
from deployments.releases.freezes.schedule import Window, next_window, window_at, windows
from deployments.releases.freezes.words import recurrence_words
from deployments.releases.models import DeploymentFreeze
from deployments.releases.services.freezes import (
    create_freeze,
    delete_freeze,
    update_freeze,
)
from deployments.releases.web.frames import visible_environments
from deployments.releases.web.freezes.form import as_sent, blank, read_form, stored
from deployments.releases.web.freezes.places import shown_places
from tenants.models import Tenant

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
    freezes = list(visible.prefetch_related("scopes__project"))
    numbers = [scope.tenant_number for freeze in freezes for scope in freeze.scopes.all()]
    tenants = Tenant.objects.visible_to(request.actor, request.space, Permission.TenantView)
    whom = dict(tenants.filter(pk__in=[n for n in numbers if n]).values_list("pk", "name"))
    rows = [_row(request, freeze, names, whom) for freeze in freezes]
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
        return _form(request, None, blank())
    row, problems = attempt(
        lambda: create_freeze(
            actor=request.actor, space=request.space, freeze=read_form(request, None)
        )
    )
    if row is None:
        return _form(request, None, as_sent(request.POST), problems)
    messages.success(request, f"The deployment freeze {row.name} was created.")
    return go(request, LIST)


@require_http_methods(["GET", "POST"])
@page(Permission.ProjectView)
def freeze_edit(request: PageRequest, freeze: str) -> HttpResponse:
    """Show and change one freeze."""
    row = find(request, DeploymentFreeze, freeze, Permission.ProjectView)
    row.space = request.space
    if request.method == "GET":
        return _form(request, row, stored(row))
    request.grants.require(Permission.DeploymentFreezeAdminister)
    saved, problems = attempt(
        lambda: update_freeze(actor=request.actor, row=row, freeze=read_form(request, row))
    )
    if saved is None:
        unchanged = find(request, DeploymentFreeze, freeze, Permission.ProjectView)
        return _form(request, unchanged, as_sent(request.POST), problems)
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
    request: PageRequest,
    freeze: DeploymentFreeze,
    environments: Mapping[int, str],
    tenants: Mapping[int, str],
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
        number = scope.tenant_number
        whom = tenants.get(number, f"Tenants-{number}") if number else ""
        words = f"{name} for {whom}" if whom else name
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
    coming = islice(windows(schedule_of(row), after=utc_now()), _NEXT_SHOWN) if row else ()
    shown = {
        "freeze": row,
        "values": values,
        **shown_places(request, row),
        "zones": sorted(available_timezones()),
        "types": TYPES,
        "weekdays": WEEKDAYS,
        "day_numbers": DAY_NUMBERS,
        "windows": list(coming),
        "may_edit": request.grants.allows(Permission.DeploymentFreezeAdminister),
    }
    return show(request, _FORM, shown, problems)
