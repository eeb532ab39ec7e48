"""Which library sets a project includes, and in which order."""

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import carry_out
from deployments.access.web.pages import PageRequest, find, page
from deployments.projects.models import Project
from deployments.projects.queries import included_sets
from deployments.projects.services.projects import set_project_extra


@require_POST
@page(Permission.ProjectEdit)
def include_sets(request: PageRequest, project: str) -> HttpResponse:
    """Include a set, take one out, or move one ahead of the others."""
    row = find(request, Project, project, Permission.ProjectView)
    named = [each.public_id for each in included_sets(row)]
    gone, first = request.POST.get("remove", ""), request.POST.get("first", "")
    if first in named:
        named.remove(first)
        named.insert(0, first)
    elif gone in named:
        named.remove(gone)
    elif added := request.POST.get("add", ""):
        named.append(added)
    extra = {"IncludedLibraryVariableSetIds": named}
    return carry_out(
        request,
        lambda: set_project_extra(actor=request.actor, row=row, extra=extra),
        "The sets and modules were saved. Releases that exist keep what they froze.",
        to=f"projects/{row.public_id}/variables#library-sets",
    )
