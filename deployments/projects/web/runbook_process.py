"""The editor for the process of a runbook."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest, page
from deployments.projects.web.process import change_step, save_step, show_catalogue, show_process
from deployments.projects.web.process_owner import owner_of


@require_GET
@page(Permission.RunbookView)
def runbook_process(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Show the steps; `step` opens a step's form, `type` that of a new one."""
    return show_process(request, owner_of(request, project, runbook))


@require_GET
@page(Permission.RunbookEdit)
def runbook_catalogue(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Show the kinds of steps to choose from."""
    return show_catalogue(request, owner_of(request, project, runbook))


@require_POST
@page(Permission.RunbookEdit)
def runbook_step_save(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Save the form of one step."""
    return save_step(request, owner_of(request, project, runbook))


@require_POST
@page(Permission.RunbookEdit)
def runbook_step_change(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Move, disable, enable or remove a step."""
    return change_step(request, owner_of(request, project, runbook))
