"""Whose process the editor shows: a project's or a runbook's."""

from dataclasses import dataclass

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.pages import PageRequest, find
from deployments.base.errors import NotFound
from deployments.base.finding import find as find_row
from deployments.projects.models import DeploymentProcess, Project, Runbook
from deployments.projects.queries import process_of, process_of_runbook
from deployments.projects.services.processes import editing_permission


@dataclass(frozen=True, slots=True)
class ProcessOwner:
    """The owner with its stored process; `path` is the editor's below the space."""

    project: Project
    runbook: Runbook | None
    stored: DeploymentProcess
    path: str

    @property
    def here(self) -> str:
        """Return the page of the rail."""
        return "Runbooks" if self.runbook else "Process"

    def may_edit(self, request: PageRequest) -> bool:
        """Whether the reader may change the process."""
        return allows_on(request.actor, self.stored, editing_permission(self.stored))


def runbook_in(request: PageRequest, project: Project, text: str) -> Runbook:
    """Return the project's runbook of the id, name or slug; raises NotFound.

    Runbooks of several projects may have the same slug.
    """
    rows = Runbook.objects.visible_to(request.actor, request.space, Permission.RunbookView)
    row = find_row(rows.filter(project=project), text)
    if row is None:
        raise NotFound
    row.space, row.project = request.space, project
    return row


def owner_of(request: PageRequest, project: str, runbook: str = "") -> ProcessOwner:
    """Return the owner of the address; raises NotFound."""
    if not runbook:
        row = find(request, Project, project, Permission.ProcessView)
        return ProcessOwner(row, None, process_of(row), f"projects/{row.public_id}/process")
    row = find(request, Project, project, Permission.ProjectView)
    book = runbook_in(request, row, runbook)
    path = f"projects/{row.public_id}/runbooks/{book.public_id}/process"
    return ProcessOwner(row, book, process_of_runbook(book), path)
