"""Connecting a tenant to projects and environments."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.projects.models import Project
from tenants import services
from tenants.models import Tenant
from tenants.queries import connections_of, environments_of_project, tenanted_mode
from tenants.web.frames import tenant_frame, tenant_of_page, visible_environments, visible_projects


def connection_values(request: PageRequest, row: Tenant) -> dict[str, Any]:
    """Return the projects that the tenant could be connected to."""
    stored = connections_of([row.pk])[row.pk]
    return {"connectable": list(visible_projects(request).exclude(pk__in=stored))}


@require_http_methods(["GET", "POST"])
@page(Permission.TenantEdit)
def project_connect(request: PageRequest, tenant: str) -> HttpResponse:
    """Choose the environments in which a tenant takes part in a project."""
    row = tenant_of_page(request, tenant)
    wanted = request.POST.get("project") or request.GET.get("project", "")
    project = find(request, Project, wanted, Permission.ProjectView)
    project.space = request.space
    if request.method == "GET":
        return _page(request, row, project)
    marked = request.POST.getlist("environments")
    chosen = [place for place in visible_environments(request) if place.public_id in marked]
    _, problems = attempt(
        lambda: services.connect_project(
            actor=request.actor,
            tenant=row,
            project=project,
            environments=chosen,
            allow_tenants=checked(request, "allow_tenants"),
        )
    )
    if problems:
        return _page(request, row, project, problems)
    messages.success(request, f"{row.name} is connected to {project.name}.")
    return go(request, f"tenants/{row.public_id}")


@require_POST
@page(Permission.TenantEdit)
def project_disconnect(request: PageRequest, tenant: str) -> HttpResponse:
    """Take a tenant out of a project."""
    row = tenant_of_page(request, tenant)
    project = find(request, Project, request.POST.get("project", ""), Permission.ProjectView)
    services.disconnect_project(actor=request.actor, tenant=row, project=project)
    messages.success(request, f"{row.name} takes no part in {project.name} now.")
    return go(request, f"tenants/{row.public_id}")


def _page(
    request: PageRequest, row: Tenant, project: Project, problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    seen = {place.pk for place in visible_environments(request)}
    connected = connections_of([row.pk])[row.pk].get(project.pk)
    marked = (
        request.POST.getlist("environments")
        if request.method == "POST"
        else [f"Environments-{number}" for number in connected or ()]
    )
    values = {
        **tenant_frame(request, row),
        "project": project,
        "is_connected": connected is not None,
        "environments": [p for p in environments_of_project(project) if p.pk in seen],
        "marked": marked,
        "needs_mode": not tenanted_mode(project).allows_tenants,
        "may_change_mode": allows_on(request.actor, project, Permission.ProjectEdit),
    }
    return show(request, "tenants/connect.html", values, problems)
