"""What the pages of a tenant share."""

from dataclasses import dataclass
from typing import Any

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.pages import PageRequest, find
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from tenants.models import TagSet, Tenant, TenantLogo
from tenants.queries import connections_of, tag_sets_of, tags_by_tenant


@dataclass(frozen=True, slots=True)
class ConnectedProject:
    """A project that the reader may see, with the environments that connect the tenant to it."""

    project: Project
    environments: tuple[Environment, ...]


def tenant_of_page(request: PageRequest, text: str) -> Tenant:
    """Return the tenant of the address; raises NotFound."""
    row = find(request, Tenant, text, Permission.TenantView)
    row.space = request.space
    return row


def tenant_frame(request: PageRequest, row: Tenant) -> dict[str, Any]:
    """Return what the head of every page of a tenant reads."""
    return {
        "tenant": row,
        "tenant_base": f"/app/{request.space.public_id}/tenants/{row.public_id}",
        "tags": tags_by_tenant([row.pk])[row.pk],
        "has_logo": TenantLogo.objects.filter(tenant=row).exists(),
        "may_edit": allows_on(request.actor, row, Permission.TenantEdit),
        "may_delete": allows_on(request.actor, row, Permission.TenantDelete),
        "may_clone": request.grants.allows_anywhere(Permission.TenantCreate),
    }


def connected_projects(request: PageRequest, row: Tenant) -> list[ConnectedProject]:
    """Return the tenant's projects by name, as far as the reader may see them."""
    stored = connections_of([row.pk])[row.pk]
    projects = visible_projects(request).filter(pk__in=stored)
    places = {place.pk: place for place in visible_environments(request)}
    return [
        ConnectedProject(
            project, tuple(places[number] for number in stored[project.pk] if number in places)
        )
        for project in projects
    ]


def visible_projects(request: PageRequest) -> Any:
    """Return the projects that the reader may see, by name."""
    return Project.objects.visible_to(request.actor, request.space, Permission.ProjectView)


def visible_environments(request: PageRequest) -> list[Environment]:
    """Return the environments that the reader may see, in their order."""
    rows = Environment.objects.visible_to(request.actor, request.space, Permission.EnvironmentView)
    return list(rows)


def tag_sets_of_space(request: PageRequest) -> list[TagSet]:
    """Return the tag sets with their tags, in their order."""
    return list(tag_sets_of(request.space))
