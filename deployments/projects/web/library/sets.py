"""Library variable sets: the list, the values of one, its settings and templates."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    carry_out,
    go,
    page_of,
    show,
)
from deployments.access.web.pages import PageRequest, find, page
from deployments.library.models import LibraryVariableSet
from deployments.library.services import (
    create_library_set,
    delete_library_set,
    update_library_set,
)
from deployments.library.variable_templates import TEMPLATE_CONTROLS
from deployments.projects.web.variable_owner import LIBRARY, library_frame, library_values
from deployments.projects.web.variable_templates import FREE_ROWS, sent_templates, shown_templates
from deployments.projects.web.variables import delete_value, save_value, show_values

_SEE = Permission.LibraryVariableSetView


@require_http_methods(["GET", "POST"])
@page(_SEE)
def set_list(request: PageRequest) -> HttpResponse:
    """List the sets; create one."""
    if request.method == "GET":
        return _list(request)
    row, problems = attempt(
        lambda: create_library_set(
            actor=request.actor,
            space=request.space,
            name=request.POST.get("name", ""),
            description=request.POST.get("description", ""),
        )
    )
    if row is None:
        return _list(request, problems)
    messages.success(request, f"The variable set {row.name} was created. Its values come next.")
    return go(request, f"{LIBRARY}/{row.public_id}")


@require_GET
@page(_SEE)
def set_values(request: PageRequest, library_set: str) -> HttpResponse:
    """Show the values of a set; `edit` and `add` open the form."""
    return show_values(request, library_values(request, library_set))


@require_POST
@page(_SEE)
def set_value_save(request: PageRequest, library_set: str) -> HttpResponse:
    """Add a value, or change one; each needs the permission to edit it."""
    return save_value(request, library_values(request, library_set))


@require_POST
@page(_SEE)
def set_value_delete(request: PageRequest, library_set: str, guid: str) -> HttpResponse:
    """Remove one value."""
    return delete_value(request, library_values(request, library_set), guid)


@require_http_methods(["GET", "POST"])
@page(_SEE)
def set_settings(request: PageRequest, library_set: str) -> HttpResponse:
    """Show and change name, description and the templates that tenants fill in."""
    row = find(request, LibraryVariableSet, library_set, _SEE)
    if request.method == "GET":
        return _settings(request, row, row.name, row.description, row.templates)
    stored = {entry["Id"]: entry for entry in row.templates}
    templates = sent_templates(request, stored)
    name, description = request.POST.get("name", ""), request.POST.get("description", "")
    saved, problems = attempt(
        lambda: update_library_set(
            actor=request.actor,
            row=find(request, LibraryVariableSet, library_set, _SEE),
            name=name,
            description=description,
            templates=templates,
        )
    )
    if saved is None:
        return _settings(request, row, name, description, templates, problems)
    messages.success(request, f"The variable set {saved.name} was saved.")
    return go(request, f"{LIBRARY}/{row.public_id}/settings")


@require_POST
@page(Permission.LibraryVariableSetDelete)
def set_delete(request: PageRequest, library_set: str) -> HttpResponse:
    """Delete a set that no project includes."""
    row = find(request, LibraryVariableSet, library_set, _SEE)
    return carry_out(
        request,
        lambda: delete_library_set(actor=request.actor, row=row),
        f"The variable set {row.name} was deleted.",
        to=LIBRARY,
        refused=f"{LIBRARY}/{row.public_id}/settings",
    )


def list_values(request: PageRequest, content: LibraryVariableSet.Content) -> dict[str, Any]:
    """Return what the list of sets, or of script modules, shows."""
    text = request.GET.get("q", "").strip()
    rows = LibraryVariableSet.objects.visible_to(request.actor, request.space, _SEE).filter(
        content=content
    )
    return {
        "page": page_of(request, rows.filter(name__icontains=text) if text else rows),
        "total": rows.count(),
        "text": text,
        "name": request.POST.get("name", ""),
        "description": request.POST.get("description", ""),
        "may_create": request.grants.allows(Permission.LibraryVariableSetCreate),
    }


def _list(request: PageRequest, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    values = list_values(request, LibraryVariableSet.Content.VARIABLES)
    return show(request, "projects/library_sets.html", values, problems)


def _settings(
    request: PageRequest,
    row: LibraryVariableSet,
    name: str,
    description: str,
    templates: list[dict[str, Any]],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    may_edit = allows_on(request.actor, row, Permission.LibraryVariableSetEdit)
    values = {
        **library_frame(request, row),
        "name": name,
        "description": description,
        "templates": shown_templates(templates),
        "free": range(FREE_ROWS if may_edit else 0),
        "controls": TEMPLATE_CONTROLS,
        "may_edit": may_edit,
        "may_delete": allows_on(request.actor, row, Permission.LibraryVariableSetDelete),
    }
    return show(request, "projects/library_set_settings.html", values, problems)
