"""Lifecycles: the phases that releases pass."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, carry_out, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.infrastructure.models import Environment
from deployments.projects.models import Lifecycle, Phase
from deployments.projects.queries import (
    PhaseView,
    environments_for_phases,
    environments_to_choose,
    phases_of_many,
)
from deployments.projects.retention import Inherited, policies_of_phases
from deployments.projects.services import lifecycles as services
from deployments.projects.web.lifecycle_forms import (
    KEEP,
    PhaseForm,
    RetentionForm,
    phase_input,
    rearranged,
    retention_form,
    sent_phases,
    sent_retention,
    stored_phase,
)

LIST = "projects/lifecycles"
_HIDDEN: Final = "An environment that you may not see"


@require_GET
@page(Permission.LifecycleView)
def lifecycle_list(request: PageRequest) -> HttpResponse:
    """Draw every lifecycle as its row of phases."""
    rows = list(Lifecycle.objects.in_space(request.space).select_related("space"))
    names = {row.pk: row.name for row in environments_to_choose(request.actor, request.space)}
    phases = phases_of_many(rows)
    drawn = [(row, _drawn(phases.get(row.pk, []), row, names)) for row in rows]
    values = {
        "lifecycles": drawn,
        "may_create": request.grants.allows(Permission.LifecycleCreate),
        "may_edit": request.grants.allows(Permission.LifecycleEdit),
    }
    return show(request, "projects/lifecycles.html", values)


def _drawn(
    phases: Sequence[PhaseView], lifecycle: Lifecycle, names: Mapping[int, str]
) -> list[tuple[PhaseView, list[tuple[str, bool]], Inherited]]:
    """Return the phases with their environments and how long they keep releases.

    `names` has the environments that the reader sees; others are there without a name.
    """
    policies = policies_of_phases(
        [(phase.name, phase.release_retention) for phase in phases], lifecycle.release_retention
    )
    # An implicit phase has the id and the name of its environment.
    hidden = {
        f"{Environment.id_prefix}-{number}"
        for phase in phases
        for number in phase.environments
        if number not in names
    }
    return [
        (
            phase if phase.id not in hidden else replace(phase, name=_HIDDEN),
            [(names.get(number, _HIDDEN), True) for number in phase.automatic]
            + [(names.get(number, _HIDDEN), False) for number in phase.manual],
            policy,
        )
        for phase, policy in zip(phases, policies, strict=True)
    ]


@require_http_methods(["GET", "POST"])
@page(Permission.LifecycleCreate)
def lifecycle_new(request: PageRequest) -> HttpResponse:
    """Create a lifecycle."""
    if request.method == "GET":
        values = {"releases": RetentionForm("forever"), "targets": RetentionForm("forever")}
        return _form(request, None, values, [PhaseForm()])
    return _save(request, None)


@require_http_methods(["GET", "POST"])
@page(Permission.LifecycleEdit)
def lifecycle_edit(request: PageRequest, lifecycle: str) -> HttpResponse:
    """Change a lifecycle."""
    row = find(request, Lifecycle, lifecycle, Permission.LifecycleView)
    if request.method == "GET":
        values = {
            "name": row.name,
            "description": row.description,
            "releases": retention_form(row.release_retention, inherits=False),
            "targets": retention_form(row.tentacle_retention, inherits=False),
        }
        return _form(request, row, values, [stored_phase(phase) for phase in _rows(row)])
    return _save(request, row)


@require_POST
@page(Permission.LifecycleDelete)
def lifecycle_delete(request: PageRequest, lifecycle: str) -> HttpResponse:
    """Delete a lifecycle that nothing uses."""
    row = find(request, Lifecycle, lifecycle, Permission.LifecycleView)
    return carry_out(
        request,
        lambda: services.delete_lifecycle(actor=request.actor, row=row),
        f"The lifecycle {row.name} was deleted.",
        to=LIST,
        refused=f"{LIST}/{row.public_id}",
    )


def _save(request: PageRequest, stored: Lifecycle | None) -> HttpResponse:
    sent = request.POST
    phases = sent_phases(sent)
    releases, targets = sent_retention(sent, "releases"), sent_retention(sent, "targets")
    values = {
        "name": sent.get("name", ""),
        "description": sent.get("description", ""),
        "releases": releases,
        "targets": targets,
    }
    if what := sent.get("do", ""):
        return _form(request, stored, values, rearranged(phases, what))
    offered = environments_for_phases(request.actor, request.space, stored)
    environments = {row.public_id: row for row in offered}

    def save() -> Lifecycle:
        lifecycle = services.LifecycleInput(
            name=sent.get("name", ""),
            description=sent.get("description", ""),
            phases=[phase_input(phase, environments) for phase in phases],
            release_retention=releases.document(),
            tentacle_retention=targets.document(),
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


def _rows(lifecycle: Lifecycle) -> list[Phase]:
    rows = Phase.objects.filter(lifecycle=lifecycle).prefetch_related("phase_environments")
    return list(rows.order_by("position"))


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
        "keep": KEEP,
        "environments": list(environments_for_phases(request.actor, request.space, stored)),
        "is_unsaved": bool(request.POST.get("do")),
        "may_delete": stored is not None and request.grants.allows(Permission.LifecycleDelete),
    }
    return show(request, "projects/lifecycle.html", shown, problems)
