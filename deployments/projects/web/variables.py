"""The variables of a project or a library set: the table, who wins, and the form of one value."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import Invalid, NotFound
from deployments.base.numbers import whole_number
from deployments.library.models import LibraryVariableSet, Variable, VariableSet
from deployments.library.queries import may_edit, visible_variable, visible_variables
from deployments.library.scoping import ScopeContext
from deployments.library.services import variables as services
from deployments.projects.process.editing import step_of
from deployments.projects.web.variable_owner import Surroundings, ValuesOwner, project_values
from deployments.projects.web.variable_rows import (
    FoundName,
    NameRows,
    ScopeNames,
    ValueRow,
    by_name,
    fits_scope,
    named_rows,
    scope_words,
    verdicts,
)

# A set with those of its values that the reader may see; None stands for the owner of the page.
_Source = tuple[VariableSet, list[Variable], LibraryVariableSet | None]
_SCOPED = ("Environment", "Role", "Machine", "Action", "Channel", "TenantTag")


@require_GET
@page(Permission.ProjectView)
def variable_list(request: PageRequest, project: str) -> HttpResponse:
    """Show the variables; `edit` opens the form of one value, `add` that of a new one."""
    return show_values(request, project_values(request, project))


@require_POST
@page(Permission.ProjectView)
def variable_save(request: PageRequest, project: str) -> HttpResponse:
    """Add a value, or change one."""
    return save_value(request, project_values(request, project))


@require_POST
@page(Permission.ProjectView)
def variable_delete(request: PageRequest, project: str, guid: str) -> HttpResponse:
    """Remove one value."""
    return delete_value(request, project_values(request, project), guid)


def show_values(request: PageRequest, owner: ValuesOwner) -> HttpResponse:
    """Show the values of the owner and of what it includes."""
    return _page(request, owner, _form(request, owner))


def save_value(request: PageRequest, owner: ValuesOwner) -> HttpResponse:
    """Add the value that the form means, or change one."""
    variable_set, guid = owner.variable_set, request.POST.get("id", "")
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
        return _page(request, owner, form, problems)
    messages.success(request, f"{saved.name} was {'saved' if guid else 'added'}.")
    return go(request, f"{owner.path}{_kept_query(request)}")


def delete_value(request: PageRequest, owner: ValuesOwner, guid: str) -> HttpResponse:
    """Remove one value of the owner."""
    variable_set = owner.variable_set
    name = _find(request, variable_set, guid).name
    services.delete_variable(actor=request.actor, variable_set=variable_set, guid=guid)
    messages.success(request, f"A value of {name} was removed.")
    return go(request, owner.path)


def _page(
    request: PageRequest,
    owner: ValuesOwner,
    form: dict[str, Any] | None,
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    variable_set = owner.variable_set
    around = owner.surroundings(request)
    own = visible_variables(request.actor, variable_set)
    sources: list[_Source] = [(variable_set, own, None)]
    included = owner.included()
    sources += [
        (row.values, visible_variables(request.actor, row.values), row)
        for row in included
        if row.content == LibraryVariableSet.Content.VARIABLES
    ]
    context = _context(request, around)
    found = by_name([_filtered(request, rows) for _, rows, _ in sources])
    part = page_of(request, found)
    part.object_list = _drawn(request, sources, part.object_list, context, around.names())
    every = [variable for _, rows, _ in sources for variable in rows]
    values = {
        **owner.frame(request),
        "page": part,
        "names": len({variable.name.lower() for variable in every}),
        "total": len(every),
        "included": included,
        "version": request.POST.get("version") or variable_set.version,
        "form": form,
        "around": around,
        "choices": around.choices() if form is not None else (),
        "context": context,
        "filters": request.GET,
        "is_filtered": any(request.GET.get(name) for name in ("q", "scope", "kind")),
        "may_add": _may_add(request, owner, around),
        "history": _history(request, variable_set),
        "is_stale": services.STALE in problems.errors,
    }
    return show(request, owner.template, values, problems)


def _drawn(
    request: PageRequest,
    sources: Sequence[_Source],
    shown: Iterable[FoundName],
    context: ScopeContext | None,
    names: ScopeNames,
) -> list[NameRows]:
    """Return the shown names with their values; only of these it is asked who wins."""
    parts = list(shown)
    wanted = {name for name, _ in parts}
    asked = [
        (each, [row for row in rows if row.name.lower() in wanted]) for each, rows, _ in sources
    ]
    judged = verdicts(asked, context) if context else {}
    variable_set = sources[0][0]
    return [
        named_rows(
            ValueRow(
                variable=variable,
                scopes=scope_words(variable.scope, names),
                verdict=judged.get((place, variable.guid), ("", False))[0],
                wins=judged.get((place, variable.guid), ("", True))[1],
                may_edit=not place and may_edit(request.grants, variable.scope, variable_set),
                library=sources[place][2],
            )
            for place, variable in values
        )
        for _, values in parts
    ]


def _form(request: PageRequest, owner: ValuesOwner) -> dict[str, Any] | None:
    if guid := request.GET.get("edit", ""):
        stored = _find(request, owner.variable_set, guid)
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


def _history(request: PageRequest, variable_set: VariableSet) -> str:
    """Return the address of all changes of the values; empty for who may not read events."""
    if not request.grants.allows(Permission.EventView):
        return ""
    space = request.space.public_id
    return f"/app/{space}/administration/audit?about={variable_set.public_id}"


def _may_add(request: PageRequest, owner: ValuesOwner, around: Surroundings) -> bool:
    number = owner.project.pk if owner.project else None
    if request.grants.allows(Permission.VariableEditUnscoped, project=number):
        return True
    return any(
        request.grants.allows(Permission.VariableEdit, project=number, environment=row.pk)
        for row in around.environments
    )


def _find(request: PageRequest, variable_set: VariableSet, guid: str) -> Variable:
    row = visible_variable(request.actor, variable_set, guid)
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
