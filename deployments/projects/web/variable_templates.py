"""The variable templates of a project, as rows of one form."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.library.variable_templates import (
    CONTROL_TYPE,
    SELECT_OPTIONS,
    TEMPLATE_CONTROLS,
    VariableTemplate,
    read_templates,
)
from deployments.projects.models import Project
from deployments.projects.services.projects import set_project_extra
from deployments.projects.settings import extra_document
from deployments.projects.web.rail import project_frame

FREE_ROWS: Final = 2


@require_GET
@page(Permission.ProjectView)
def template_list(request: PageRequest, project: str) -> HttpResponse:
    """Show the templates."""
    row = find(request, Project, project, Permission.ProjectView)
    return _page(request, row, extra_document(row.extra)["Templates"])


@require_POST
@page(Permission.ProjectEdit)
def template_save(request: PageRequest, project: str) -> HttpResponse:
    """Make the rows of the form the project's templates."""
    row = find(request, Project, project, Permission.ProjectView)
    stored = {entry["Id"]: entry for entry in extra_document(row.extra)["Templates"]}
    documents = sent_templates(request, stored)
    saved, problems = attempt(
        lambda: set_project_extra(actor=request.actor, row=row, extra={"Templates": documents})
    )
    if saved is None:
        fresh = find(request, Project, project, Permission.ProjectView)
        return _page(request, fresh, documents, problems)
    messages.success(request, "The templates were saved. They count from the next deployment on.")
    return go(request, f"projects/{row.public_id}/variables/templates")


def _page(
    request: PageRequest,
    row: Project,
    documents: list[dict[str, Any]],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    may_edit = allows_on(request.actor, row, Permission.ProjectEdit)
    values = {
        **project_frame(request, row, "Variables"),
        "templates": shown_templates(documents),
        "free": range(FREE_ROWS if may_edit else 0),
        "controls": TEMPLATE_CONTROLS,
        "may_edit": may_edit,
    }
    return show(request, "projects/variable_templates.html", values, problems)


def shown_templates(
    documents: list[dict[str, Any]],
) -> list[tuple[VariableTemplate, str]]:
    """Return the templates as the form has them, each with the lines of its choices."""
    return [(t, (t.display or {}).get(SELECT_OPTIONS, "")) for t in read_templates(documents)]


def sent_templates(request: PageRequest, stored: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with a name that are not to be removed."""
    names = ("id", "name", "label", "help", "default", "control", "options")
    columns = [request.POST.getlist(f"template-{name}") for name in names]
    removed = set(request.POST.getlist("removed"))
    documents = []
    for number, name, label, words, default, control, options in zip(*columns, strict=False):
        if (number and number in removed) or not (name.strip() or number):
            continue
        display = dict(stored.get(number, {}).get("DisplaySettings") or {})
        display |= {CONTROL_TYPE: control, SELECT_OPTIONS: options.replace("\r\n", "\n")}
        if not display[SELECT_OPTIONS].strip():
            del display[SELECT_OPTIONS]
        documents.append(
            {
                "Id": number,
                "Name": name,
                "Label": label,
                "HelpText": words,
                "DefaultValue": default or None,
                "DisplaySettings": display,
            }
        )
    return documents
