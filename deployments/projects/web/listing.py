"""Projects by group, and the groups themselves."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
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
from deployments.base.errors import Invalid
from deployments.projects.models import Lifecycle, Project, ProjectGroup
from deployments.projects.queries import find_group, find_lifecycle
from deployments.projects.services import groups as group_services
from deployments.projects.services.projects import ProjectInput, create_project

GROUPS = "projects/groups"


@require_GET
@page(Permission.ProjectView)
def project_list(request: PageRequest) -> HttpResponse:
    """List the projects, filtered by text and group."""
    rows = Project.objects.visible_to(request.actor, request.space, Permission.ProjectView)
    total = rows.count()
    text, group = request.GET.get("q", "").strip(), request.GET.get("group", "")
    groups = list(_groups(request))
    chosen = next((each for each in groups if each.public_id == group), None)
    if text:
        rows = rows.filter(name__icontains=text)
    if chosen:
        rows = rows.filter(group=chosen)
    rows = rows.select_related("group", "lifecycle").order_by("group__name", "name")
    values = {
        "page": page_of(request, rows),
        "total": total,
        "groups": groups,
        "chosen": chosen,
        "text": text,
        "may_create": request.grants.allows_anywhere(Permission.ProjectCreate),
    }
    return show(request, "projects/projects.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.ProjectCreate)
def project_new(request: PageRequest) -> HttpResponse:
    """Create a project."""
    groups = [
        group
        for group in ProjectGroup.objects.in_space(request.space)
        if request.grants.allows(Permission.ProjectCreate, project_group=group.pk)
    ]
    values = {
        "groups": groups,
        "lifecycles": Lifecycle.objects.in_space(request.space),
        "sent": request.POST,
        "group": request.POST.get("group") or request.GET.get("group", ""),
    }
    if request.method == "GET":
        return show(request, "projects/project_new.html", values)
    project, problems = attempt(lambda: _create(request))
    if project is None:
        return show(request, "projects/project_new.html", values, problems)
    messages.success(request, f"The project {project.name} was created. Its process comes next.")
    return go(request, f"projects/{project.public_id}/process")


@require_http_methods(["GET", "POST"])
@page(Permission.ProjectGroupView)
def group_list(request: PageRequest) -> HttpResponse:
    """List the groups; create one."""
    if request.method == "GET":
        return _groups_page(request)
    group, problems = attempt(
        lambda: group_services.create_project_group(
            actor=request.actor,
            space=request.space,
            name=request.POST.get("name", ""),
            description=request.POST.get("description", ""),
        )
    )
    if group is None:
        return _groups_page(request, problems)
    messages.success(request, f"The project group {group.name} was created.")
    return go(request, GROUPS)


@require_http_methods(["GET", "POST"])
@page(Permission.ProjectGroupEdit)
def group_edit(request: PageRequest, group: str) -> HttpResponse:
    """Change a group."""
    row = find(request, ProjectGroup, group, Permission.ProjectGroupView)
    values = {
        "group": row,
        "name": request.POST.get("name", row.name),
        "description": request.POST.get("description", row.description),
        "may_delete": allows_on(request.actor, row, Permission.ProjectGroupDelete),
    }
    if request.method == "GET":
        return show(request, "projects/group.html", values)
    _, problems = attempt(
        lambda: group_services.update_project_group(
            actor=request.actor,
            group=find(request, ProjectGroup, group, Permission.ProjectGroupView),
            name=str(values["name"]),
            description=str(values["description"]),
        )
    )
    if problems:
        return show(request, "projects/group.html", values, problems)
    messages.success(request, "The project group was saved.")
    return go(request, GROUPS)


@require_POST
@page(Permission.ProjectGroupDelete)
def group_delete(request: PageRequest, group: str) -> HttpResponse:
    """Delete an empty group."""
    row = find(request, ProjectGroup, group, Permission.ProjectGroupView)
    return carry_out(
        request,
        lambda: group_services.delete_project_group(actor=request.actor, group=row),
        f"The project group {row.name} was deleted.",
        to=GROUPS,
    )


def _create(request: PageRequest) -> Project:
    group = find_group(request.space, request.POST.get("group", ""))
    lifecycle = find_lifecycle(request.space, request.POST.get("lifecycle", ""))
    if group is None:
        raise Invalid(fields={"ProjectGroupId": ["Choose a project group."]})
    if lifecycle is None:
        raise Invalid(fields={"LifecycleId": ["Choose a lifecycle."]})
    project = ProjectInput(
        name=request.POST.get("name", ""),
        description=request.POST.get("description", ""),
        group=group,
        lifecycle=lifecycle,
    )
    return create_project(actor=request.actor, space=request.space, project=project)


def _groups(request: PageRequest) -> Any:
    return ProjectGroup.objects.visible_to(
        request.actor, request.space, Permission.ProjectGroupView
    )


def _groups_page(request: PageRequest, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    values = {
        "groups": _groups(request).annotate(total=Count("projects")),
        "name": request.POST.get("name", ""),
        "description": request.POST.get("description", ""),
        "may_create": request.grants.allows(Permission.ProjectGroupCreate),
        "may_edit": request.grants.allows_anywhere(Permission.ProjectGroupEdit),
    }
    return show(request, "projects/groups.html", values, problems)
