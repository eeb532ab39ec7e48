"""Pages that show the variables of a project as a deployment would see them, and try templates."""

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from agent.language.checking import LONGEST, KnownNames, check_template
from deployments.access.permissions import Permission
from deployments.access.web.forms import page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.projects.models import Project
from deployments.projects.web.rail import project_frame
from deployments.projects.web.variable_owner import project_values
from deployments.projects.web.variable_rows import scope_words
from deployments.releases.previewing.variables import (
    Previewed,
    evaluated,
    try_template,
    values_of,
)
from deployments.releases.web.frames import project_of
from deployments.releases.web.variables.place import (
    VariablePlace,
    place_of_request,
    variables_there,
)


@require_GET
@page(Permission.ProjectView)
def variable_preview(request: PageRequest, project: str) -> HttpResponse:
    """Show every variable with its value at a place, its origin and what it overrules."""
    row, place, rows = _read(request, project)
    text = request.GET.get("q", "").strip().lower()
    shown = page_of(request, [each for each in rows if text in each.name.lower()])
    shown.object_list = [
        {
            "variable": each,
            "scopes": scope_words(each.scope, place.names),
            "lost": _lost(each, place),
        }
        for each in evaluated(shown.object_list, values_of(rows))
    ]
    values = {
        **project_frame(request, row, "Variables"),
        "place": place,
        "page": shown,
        "total": len(rows),
        "q": request.GET.get("q", ""),
    }
    return show(request, "releases/variable_preview.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.ProjectView)
def template_tester(request: PageRequest, project: str) -> HttpResponse:
    """Evaluate the template that was sent with the variables of a place; nothing is stored."""
    row, place, rows = _read(request, project)
    template = request.POST.get("template", "").replace("\r\n", "\n")
    extra = request.POST.get("extra", "").replace("\r\n", "\n")
    known = {**values_of(rows), **_extra(extra)}
    result = try_template(template, known) if template else None
    values = {
        **project_frame(request, row, "Variables"),
        "place": place,
        "template": template,
        "extra": extra,
        "result": result,
        "findings": check_template(template, KnownNames.of(known).has),
        "longest": LONGEST,
        "values_base": f"/app/{request.space.public_id}/projects/{row.public_id}/variables",
    }
    return show(request, "releases/template_tester.html", values)


def _read(request: PageRequest, text: str) -> tuple[Project, VariablePlace, list[Previewed]]:
    row, owner = project_of(request, text), project_values(request, text)
    place = place_of_request(request, row, owner)
    return row, place, variables_there(request, row, owner, place)


def _lost(row: Previewed, place: VariablePlace) -> list[dict[str, Any]]:
    return [
        {"value": each.value, "origin": each.origin, "scopes": scope_words(each.scope, place.names)}
        for each in row.overruled
    ]


def _extra(text: str) -> dict[str, str]:
    """Return the variables that were typed for this try, one `Name=Value` a line."""
    pairs = (line.partition("=") for line in text.split("\n"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals and name.strip()}
