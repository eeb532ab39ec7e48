"""The variables of a project: the table, who wins, and the form of one value."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, page_of, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.errors import Invalid, NotFound
from deployments.base.numbers import whole_number
from deployments.infrastructure.models import Environment, Machine
from deployments.library.models import Variable, VariableSet
from deployments.library.queries import may_edit, visible_variables
from deployments.library.scoping import ScopeContext
from deployments.library.services import variables as services
from deployments.projects.models import Channel, Project
from deployments.projects.process import Process
from deployments.projects.process.editing import step_of
from deployments.projects.queries import channels_of, process_of, read_process
from deployments.projects.tenant_tags import tenant_tags_of
from deployments.projects.web.rail import project_frame
from deployments.projects.web.variable_rows import (
    ValueRow,
    fits_scope,
    grouped,
    scope_words,
    verdicts,
)

_SCOPED = ("Environment", "Role", "Machine", "Action", "Channel", "TenantTag")


@dataclass(frozen=True)
class Surroundings:
    """What values of a project can be scoped to, read once for a page."""

    environments: list[Environment]
    machines: list[Machine]
    channels: list[Channel]
    process: Process
    tenant_tags: list[str]

    @property
    def roles(self) -> list[str]:
        found: dict[str, str] = {}
        for machine in self.machines:
            for role in machine.roles:
                found.setdefault(str(role).lower(), str(role))
        for step in self.process.steps:
            for role in step.target_roles:
                found.setdefault(role.lower(), role)
        return [found[key] for key in sorted(found)]

    def names(self) -> dict[str, dict[str, str]]:
        """Return, by dimension, values in lower case to the words for them."""
        return {
            "Environment": {e.public_id.lower(): e.name for e in self.environments},
            "Machine": {m.public_id.lower(): m.name for m in self.machines},
            "Channel": {c.public_id.lower(): c.name for c in self.channels},
            "Action": {a.id.lower(): a.name for _, a in self.process.actions()},
        }

    def choices(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Return (dimension, heading, [(value, words)]) for the form."""
        return [
            ("Environment", "Environments", [(e.public_id, e.name) for e in self.environments]),
            ("Role", "Target tags", [(role, role) for role in self.roles]),
            ("Machine", "Targets", [(m.public_id, m.name) for m in self.machines]),
            ("Action", "Steps", [(a.id, a.name) for _, a in self.process.actions()]),
            ("Channel", "Channels", [(c.public_id, c.name) for c in self.channels]),
            ("TenantTag", "Tenant tags", [(name, name) for name in self.tenant_tags]),
        ]


@require_GET
@page(Permission.ProjectView)
def variable_list(request: PageRequest, project: str) -> HttpResponse:
    """Show the variables; `edit` opens the form of one value, `add` that of a new one."""
    row = find(request, Project, project, Permission.ProjectView)
    return _page(request, row, _form(request, row))


@require_POST
@page(Permission.ProjectView)
def variable_save(request: PageRequest, project: str) -> HttpResponse:
    """Add a value, or change one."""
    row = find(request, Project, project, Permission.ProjectView)
    variable_set, guid = _set_of(row), request.POST.get("id", "")
    stored = _find(request, variable_set, guid) if guid else None
    sent = _sent(request, stored)

    def save() -> Any:
        version = _version(request)
        if guid:
            return services.update_variable(
                actor=request.actor,
                variable_set=variable_set,
                guid=guid,
                variable=sent,
                version=version,
            )
        return services.add_variable(
            actor=request.actor, variable_set=variable_set, variable=sent, version=version
        )

    saved, problems = attempt(save)
    if saved is None:
        form = {
            "id": guid,
            "name": sent.name,
            "value": "" if sent.is_sensitive else sent.value,
            "is_sensitive": sent.is_sensitive,
            "description": sent.description,
            "scope": sent.scope,
            "prompt": sent.prompt,
            "has_secret": bool(stored and stored.is_sensitive),
        }
        return _page(request, row, form, problems)
    messages.success(request, f"{saved.name} was {'saved' if guid else 'added'}.")
    return go(request, f"projects/{row.public_id}/variables{_kept_query(request)}")


@require_POST
@page(Permission.ProjectView)
def variable_delete(request: PageRequest, project: str, guid: str) -> HttpResponse:
    """Remove one value."""
    row = find(request, Project, project, Permission.ProjectView)
    variable_set = _set_of(row)
    name = _find(request, variable_set, guid).name
    services.delete_variable(actor=request.actor, variable_set=variable_set, guid=guid)
    messages.success(request, f"A value of {name} was removed.")
    return go(request, f"projects/{row.public_id}/variables")


def _page(
    request: PageRequest,
    project: Project,
    form: dict[str, Any] | None,
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    variable_set = _set_of(project)
    around = _surroundings(request, project)
    every = visible_variables(request.actor, variable_set)
    context = _context(request, around)
    judged = verdicts(every, variable_set, context) if context else {}
    names = around.names()
    rows = [
        ValueRow(
            variable=variable,
            scopes=scope_words(variable.scope, names),
            verdict=judged.get(variable.guid, ("", False))[0],
            wins=judged.get(variable.guid, ("", True))[1],
            may_edit=may_edit(request.grants, variable.scope, variable_set),
        )
        for variable in _filtered(request, every)
    ]
    groups = grouped(rows)
    values = {
        **project_frame(request, project, "Variables"),
        "page": page_of(request, groups),
        "names": len({variable.name.lower() for variable in every}),
        "total": len(every),
        "version": request.POST.get("version") or variable_set.version,
        "form": form,
        "around": around,
        "choices": around.choices() if form is not None else (),
        "context": context,
        "filters": request.GET,
        "is_filtered": any(request.GET.get(name) for name in ("q", "scope", "kind")),
        "may_add": _may_add(request, project, around),
        "is_stale": services.STALE in problems.errors,
    }
    return show(request, "projects/variables.html", values, problems)


def _form(request: PageRequest, project: Project) -> dict[str, Any] | None:
    if guid := request.GET.get("edit", ""):
        stored = _find(request, _set_of(project), guid)
        return {
            "id": stored.guid,
            "name": stored.name,
            "value": stored.value or "",
            "is_sensitive": stored.is_sensitive,
            "description": stored.description,
            "scope": stored.scope,
            "prompt": stored.prompt,
            "has_secret": stored.is_sensitive,
        }
    if "add" in request.GET:
        return {"id": "", "name": request.GET.get("add", ""), "scope": {}}
    return None


def _sent(request: PageRequest, stored: Variable | None) -> services.VariableInput:
    """Return the value that the form means; what it does not show stays."""
    is_sensitive = checked(request, "is_sensitive")
    text = request.POST.get("value", "").replace("\r\n", "\n")
    keeps = is_sensitive and stored is not None and stored.is_sensitive and not text
    scope = dict(stored.scope) if stored else {}
    scope |= {name: request.POST.getlist(f"scope:{name}") for name in _SCOPED}
    kind = "Sensitive" if is_sensitive else "String"
    if stored is not None and not is_sensitive and not stored.is_sensitive:
        kind = stored.kind
    prompt = dict(stored.prompt) if stored and stored.prompt else {}
    if checked(request, "is_prompted"):
        prompt |= {
            "label": request.POST.get("prompt_label", "").strip(),
            "required": checked(request, "prompt_required"),
        }
    else:
        prompt = {}
    return services.VariableInput(
        name=request.POST.get("name", ""),
        value=None if keeps else text,
        kind=kind,
        is_sensitive=is_sensitive,
        description=request.POST.get("description", ""),
        scope=scope,
        prompt=prompt or None,
    )


def _filtered(request: PageRequest, every: list[Variable]) -> list[Variable]:
    text = request.GET.get("q", "").strip().lower()
    scope, kind = request.GET.get("scope", ""), request.GET.get("kind", "")
    rows = every
    if text:
        # A secret's value is not searched: hits would tell what it holds.
        rows = [
            row
            for row in rows
            if text in row.name.lower()
            or (not row.is_sensitive and text in (row.value or "").lower())
        ]
    if scope:
        rows = [row for row in rows if fits_scope(row, "Environment", scope)]
    if kind:
        rows = [row for row in rows if row.is_sensitive == (kind == "sensitive")]
    return rows


def _context(request: PageRequest, around: Surroundings) -> ScopeContext | None:
    """Return where the reader asks for the winners; None when they did not."""
    asked = {
        name: request.GET.get(name, "") for name in ("environment", "target", "step", "channel")
    }
    if not any(asked.values()):
        return None
    machine = next((m for m in around.machines if m.public_id == asked["target"]), None)
    step = step_of(around.process, asked["step"])
    return ScopeContext(
        environment=asked["environment"] or None,
        machine=asked["target"] or None,
        roles=frozenset(str(role) for role in machine.roles) if machine else frozenset(),
        target_roles=frozenset(step.target_roles) if step else frozenset(),
        action=asked["step"] or None,
        channel=asked["channel"] or None,
    )


def _surroundings(request: PageRequest, project: Project) -> Surroundings:
    return Surroundings(
        environments=list(Environment.objects.in_space(request.space)),
        machines=list(
            Machine.objects.visible_to(request.actor, request.space, Permission.MachineView)
        ),
        channels=list(channels_of(project)),
        process=read_process(process_of(project)),
        tenant_tags=tenant_tags_of(request.space),
    )


def _may_add(request: PageRequest, project: Project, around: Surroundings) -> bool:
    if request.grants.allows(Permission.VariableEditUnscoped, project=project.pk):
        return True
    return any(
        request.grants.allows(Permission.VariableEdit, project=project.pk, environment=row.pk)
        for row in around.environments
    )


def _set_of(project: Project) -> VariableSet:
    if project.variable_set_id is None:
        raise NotFound
    return VariableSet.objects.in_space(project.space).get(pk=project.variable_set_id)


def _find(request: PageRequest, variable_set: VariableSet, guid: str) -> Variable:
    rows = visible_variables(request.actor, variable_set)
    row = next((row for row in rows if row.guid == guid), None)
    if row is None:
        raise NotFound
    return row


def _version(request: PageRequest) -> int:
    number = whole_number(request.POST.get("version"))
    if number is None:
        raise Invalid(services.STALE)
    return number


def _kept_query(request: PageRequest) -> str:
    """Return the filters that the form was opened with."""
    query = request.POST.get("query", "")
    return f"?{query}" if query and "\n" not in query else ""
