"""Lifecycles: the phases that releases pass."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.infrastructure.models import Environment
from deployments.projects.models import Lifecycle, Phase
from deployments.projects.queries import phases_of_many
from deployments.projects.services import lifecycles as services

LIST = "projects/lifecycles"
_MOST_PHASES = 50


@dataclass
class PhaseForm:
    """One phase as the form shows it; `places` maps an environment's id to manual or automatic."""

    id: str = ""
    name: str = ""
    minimum: str = "0"
    is_optional: bool = False
    places: dict[str, str] = field(default_factory=dict)
    stored: Phase | None = None


@require_GET
@page(Permission.LifecycleView)
def lifecycle_list(request: PageRequest) -> HttpResponse:
    """Draw every lifecycle as its row of phases."""
    rows = list(Lifecycle.objects.in_space(request.space).select_related("space"))
    names = {row.pk: row.name for row in Environment.objects.in_space(request.space)}
    phases = phases_of_many(rows)
    drawn = [
        (
            row,
            [
                (
                    phase,
                    [(names.get(n, ""), True) for n in phase.automatic]
                    + [(names.get(n, ""), False) for n in phase.manual],
                )
                for phase in phases.get(row.pk, [])
            ],
        )
        for row in rows
    ]
    values = {
        "lifecycles": drawn,
        "may_create": request.grants.allows(Permission.LifecycleCreate),
        "may_edit": request.grants.allows(Permission.LifecycleEdit),
    }
    return show(request, "projects/lifecycles.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.LifecycleCreate)
def lifecycle_new(request: PageRequest) -> HttpResponse:
    """Create a lifecycle."""
    if request.method == "GET":
        return _form(request, None, {"name": "", "description": ""}, [PhaseForm()])
    return _save(request, None)


@require_http_methods(["GET", "POST"])
@page(Permission.LifecycleEdit)
def lifecycle_edit(request: PageRequest, lifecycle: str) -> HttpResponse:
    """Change a lifecycle."""
    row = find(request, Lifecycle, lifecycle, Permission.LifecycleView)
    if request.method == "GET":
        values = {"name": row.name, "description": row.description}
        return _form(request, row, values, _stored_phases(row))
    return _save(request, row)


@require_POST
@page(Permission.LifecycleDelete)
def lifecycle_delete(request: PageRequest, lifecycle: str) -> HttpResponse:
    """Delete a lifecycle that nothing uses."""
    row = find(request, Lifecycle, lifecycle, Permission.LifecycleView)
    name = row.name
    _, problems = attempt(lambda: services.delete_lifecycle(actor=request.actor, row=row))
    if problems:
        messages.error(request, problems.errors[0])
        return go(request, f"{LIST}/{row.public_id}")
    messages.success(request, f"The lifecycle {name} was deleted.")
    return go(request, LIST)


def _save(request: PageRequest, stored: Lifecycle | None) -> HttpResponse:
    sent = request.POST
    phases = _sent_phases(sent, {p.guid: p for p in _rows(stored)})
    values = {"name": sent.get("name", ""), "description": sent.get("description", "")}
    if what := sent.get("do", ""):
        return _form(request, stored, values, _rearranged(phases, what))
    environments = {row.public_id: row for row in Environment.objects.in_space(request.space)}

    def save() -> Lifecycle:
        lifecycle = services.LifecycleInput(
            name=values["name"],
            description=values["description"],
            phases=[_input(phase, environments) for phase in phases],
            release_retention=stored.release_retention if stored else None,
            tentacle_retention=stored.tentacle_retention if stored else None,
            slug=stored.slug if stored else "",
        )
        if stored is None:
            return services.create_lifecycle(
                actor=request.actor, space=request.space, lifecycle=lifecycle
            )
        return services.update_lifecycle(actor=request.actor, row=stored, lifecycle=lifecycle)

    saved, problems = attempt(save)
    if saved is None:
        return _form(request, stored, values, phases, problems)
    messages.success(request, f"The lifecycle {saved.name} was {'saved' if stored else 'created'}.")
    return go(request, LIST)


def _rearranged(phases: list[PhaseForm], what: str) -> list[PhaseForm]:
    """Return the phases after a button of the form that does not save yet."""
    name, _, text = what.partition("-")
    if name == "add":
        return [*phases, PhaseForm()]
    at = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1  # noqa: PLR2004
    if not 0 <= at < len(phases):
        return phases
    if name == "remove":
        return [*phases[:at], *phases[at + 1 :]]
    to = at - 1 if name == "up" else at + 1
    if 0 <= to < len(phases):
        phases[at], phases[to] = phases[to], phases[at]
    return phases


def _sent_phases(sent: QueryDict, stored: dict[str, Phase]) -> list[PhaseForm]:
    count = sent.get("phases", "0")
    total = int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 0  # noqa: PLR2004
    phases = []
    for number in range(min(total, _MOST_PHASES)):
        start = f"phase-{number}-"
        places = {
            name.removeprefix(f"{start}at-"): value
            for name, value in sent.items()
            if name.startswith(f"{start}at-") and value in {"manual", "automatic"}
        }
        guid = sent.get(f"{start}id", "")
        phases.append(
            PhaseForm(
                id=guid,
                name=sent.get(f"{start}name", ""),
                minimum=sent.get(f"{start}minimum", "0"),
                is_optional=sent.get(f"{start}optional") == "on",
                places=places,
                stored=stored.get(guid),
            )
        )
    return phases


def _input(phase: PhaseForm, environments: dict[str, Environment]) -> services.PhaseInput:
    text = phase.minimum.strip()
    chosen = {name: how for name, how in phase.places.items() if name in environments}
    return services.PhaseInput(
        name=phase.name,
        manual=[environments[name] for name, how in chosen.items() if how == "manual"],
        automatic=[environments[name] for name, how in chosen.items() if how == "automatic"],
        minimum=int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0,  # noqa: PLR2004
        is_optional=phase.is_optional,
        is_priority=phase.stored.is_priority if phase.stored else False,
        id=phase.id,
        release_retention=phase.stored.release_retention if phase.stored else None,
        tentacle_retention=phase.stored.tentacle_retention if phase.stored else None,
    )


def _rows(lifecycle: Lifecycle | None) -> list[Phase]:
    if lifecycle is None:
        return []
    rows = Phase.objects.filter(lifecycle=lifecycle).prefetch_related("phase_environments")
    return list(rows.order_by("position"))


def _stored_phases(lifecycle: Lifecycle) -> list[PhaseForm]:
    return [
        PhaseForm(
            id=phase.guid,
            name=phase.name,
            minimum=str(phase.minimum_environments),
            is_optional=phase.is_optional,
            places={
                f"Environments-{link.environment_id}": "automatic"
                if link.is_automatic
                else "manual"
                for link in phase.phase_environments.all()
            },
            stored=phase,
        )
        for phase in _rows(lifecycle)
    ]


def _form(
    request: PageRequest,
    stored: Lifecycle | None,
    values: dict[str, Any],
    phases: list[PhaseForm],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    shown = {
        "lifecycle": stored,
        "values": values,
        "phases": list(enumerate(phases)),
        "environments": list(Environment.objects.in_space(request.space)),
        "is_unsaved": bool(request.POST.get("do")),
        "may_delete": stored is not None and request.grants.allows(Permission.LifecycleDelete),
    }
    return show(request, "projects/lifecycle.html", shown, problems)
