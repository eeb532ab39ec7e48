"""The page of a project's variables that nothing names, and of names that no variable has."""

from collections.abc import Iterator
from typing import Final

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.library.queries import variables_of, visible_variables
from deployments.projects.models import DeploymentProcess, Project, Runbook
from deployments.projects.queries import included_sets, read_process
from deployments.projects.settings import deployment_settings
from deployments.projects.step_catalogue import find_step_kind
from deployments.projects.template_names import TemplateNames, texts_of_step
from deployments.projects.variable_findings import Place, findings_of, unused
from deployments.projects.web.rail import project_frame
from deployments.projects.web.variable_owner import project_values

_MOST_SHOWN: Final = 200


@require_GET
@page(Permission.ProjectView)
def variable_findings(request: PageRequest, project: str) -> HttpResponse:
    """Say which variables nothing seems to use, and which texts name what does not exist."""
    owner = project_values(request, project)
    row = owner.project
    assert row is not None  # noqa: S101 the values of a project have one
    own = visible_variables(request.actor, owner.variable_set)
    processes, is_whole = _processes(request, row)
    places = [
        *_of_processes(processes),
        *(Place(each.name, "Value", each.value or "", "/variables") for each in own),
    ]
    names = dict.fromkeys(each.name for each in own)
    is_whole = is_whole and len(own) == len(variables_of(owner.variable_set))
    found = findings_of(places, TemplateNames(request.actor, row).knows)
    nowhere = unused(list(names), [*places, *_elsewhere(request, row)]) if is_whole else []
    values = {
        **project_frame(request, row, "Variables"),
        "page": page_of(request, nowhere),
        "unused": len(nowhere),
        "is_whole": is_whole,
        "findings": found[:_MOST_SHOWN],
        "wrong": len(found),
        "total": len(names),
    }
    return show(request, "projects/variable_findings.html", values)


def _processes(request: PageRequest, project: Project) -> tuple[list[DeploymentProcess], bool]:
    """Return the processes that the reader may see, and whether these are all."""
    rows = DeploymentProcess.objects.in_space(request.space).filter(project=project)
    every = list(rows.select_related("runbook").order_by("pk"))
    seen = {
        each.pk
        for each in Runbook.objects.visible_to(
            request.actor, request.space, Permission.RunbookView
        ).filter(project=project)
    }
    may = allows_on(request.actor, project, Permission.ProcessView)
    shown = [each for each in every if (each.runbook_id in seen if each.runbook_id else may)]
    return shown, len(shown) == len(every)


def _of_processes(processes: list[DeploymentProcess]) -> Iterator[Place]:
    for stored in processes:
        above = f"/runbooks/{stored.runbook.public_id}" if stored.runbook else ""
        of = f" of {stored.runbook.name}" if stored.runbook else ""
        for step, action in read_process(stored).actions():
            kind = find_step_kind(action.action_type)
            for label, text in texts_of_step(step, action, kind):
                path = f"{above}/process?step={action.id}"
                yield Place(f"Step {action.name}{of}", label, text, path)


def _elsewhere(request: PageRequest, project: Project) -> Iterator[Place]:
    """Yield the texts of included sets and of the settings, which may name variables too."""
    for row in included_sets(project):
        for each in visible_variables(request.actor, row.values):
            yield Place(each.name, "Value", each.value or "", "/variables")
    found = deployment_settings(project.settings)
    for text in (found.version_template, found.release_notes_template, found.changes_template):
        yield Place("Settings", "Template", text, "/settings")
