"""The variables of a project or a library set: the table, who wins, and the form of one value."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, place, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import Invalid, NotFound
from deployments.base.numbers import whole_number
from deployments.library.models import Variable, VariableSet
from deployments.library.queries import visible_variable
from deployments.library.services import variables as services
from deployments.projects.web.values.form import (
    PROMPT_CONTROLS,
    form_again,
    form_of,
    new_form,
    scope_choices,
    sent_value,
)
from deployments.projects.web.values.kinds import chosen_kinds
from deployments.projects.web.values.table import PLACE_NAMES, group_of, table_of
from deployments.projects.web.variable_owner import Surroundings, ValuesOwner, project_values


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
    form = _form(request, owner)
    if _is_part(request):
        return _group(request, owner, request.GET.get("group", ""), form)
    return _page(request, owner, form)


def save_value(request: PageRequest, owner: ValuesOwner) -> HttpResponse:
    """Add the value that the form means, or change one."""
    # The filters that the form was opened with, for the table below or after it.
    request.GET = QueryDict(request.POST.get("query", "").removeprefix("?"))
    variable_set, guid = owner.variable_set, request.POST.get("id", "")
    stored = _find(request, variable_set, guid) if guid else None
    group = request.POST.get("group", "")
    sent = sent_value(request, stored)

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
        form = form_again(sent, guid, stored)
        if _is_part(request):
            return _group(request, owner, group, form, problems)
        return _page(request, owner, form, problems)
    words = f"{saved.name} was {'saved' if guid else 'added'}."
    if not _is_part(request):
        messages.success(request, words)
        return go(request, f"{owner.path}{_kept_query(request)}")
    if saved.name.lower() != group.lower():
        messages.success(request, words)
        back = place(request, f"{owner.path}{_kept_query(request)}")
        return HttpResponse(headers={"HX-Redirect": back})
    answer = _group(request, owner, group, None)
    news = {"words": words, "version": variable_set.version}
    answer["HX-Trigger"] = json.dumps({"saved-value": news})
    return answer


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
    table = table_of(request, owner, around)
    values = {
        **owner.frame(request),
        **_shown_with_form(request, owner, around, form),
        "page": table.page,
        "names": table.names,
        "total": table.total,
        "included": table.included,
        "context": table.context,
        "scopes": table.scopes,
        "steps": [each for _, each in around.process_of(request.GET.get("process", "")).actions()],
        "filters": request.GET,
        "is_filtered": any(request.GET.get(name) for name in ("q", "scope", "kind")),
        "history": _history(request, variable_set),
        "is_stale": services.STALE in problems.errors,
    }
    return show(request, owner.template, values, problems)


def _group(
    request: PageRequest,
    owner: ValuesOwner,
    name: str,
    form: dict[str, Any] | None,
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    """Return one name of the table alone, with the form below its values when one is open.

    A refused form is an answer like any other here: htmx draws only those.
    """
    around = owner.surroundings(request)
    values = {
        **owner.frame(request),
        **_shown_with_form(request, owner, around, form),
        "group": group_of(request, owner, around, name),
        "group_name": name,
        "context": any(request.GET.get(each) for each in PLACE_NAMES),
        "is_part": True,
        "problems": problems,
        "is_stale": services.STALE in problems.errors,
    }
    return render(request, "projects/_variable_group_alone.html", values)


def _shown_with_form(
    request: PageRequest, owner: ValuesOwner, around: Surroundings, form: dict[str, Any] | None
) -> dict[str, Any]:
    """Return what the form needs; what it chooses from is read only where it is open."""
    return {
        "version": request.POST.get("version") or owner.variable_set.version,
        "form": form,
        "around": around,
        "choices": scope_choices(around, form["scope"]) if form is not None else (),
        "chosen_kinds": chosen_kinds(request, form["kind"], form.get("value") or "")
        if form is not None
        else (),
        "prompt_controls": PROMPT_CONTROLS,
        "may_add": _may_add(request, owner, around),
    }


def _is_part(request: PageRequest) -> bool:
    """Tell whether one name of the table alone is asked for."""
    return request.headers.get("HX-Target", "").startswith("group-")


def _form(request: PageRequest, owner: ValuesOwner) -> dict[str, Any] | None:
    if guid := request.GET.get("edit", ""):
        return form_of(_find(request, owner.variable_set, guid))
    return new_form(request.GET.get("add", "")) if "add" in request.GET else None


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
    query = request.GET.urlencode()
    return f"?{query}" if query else ""
