"""What the pages of a tenant share."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.pages import PageRequest, find
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from tenants.models import TagSet, Tenant, TenantLogo
from tenants.queries import connections_of, tags_by_tenant, tenant_tag_sets
from tenants.services.tenants import NO_TENANT
from tenants.variables import missing_values


@dataclass(frozen=True, slots=True)
class ConnectedProject:
    """A project that the reader may see, with the environments that connect the tenant to it.

    `missing` counts the values to fill in by environment.
    """

    project: Project
    environments: tuple[Environment, ...]
    missing: Mapping[int, int] = field(default_factory=dict)


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
        "may_clone": may_create_tenants(request),
    }


def may_create_tenants(request: PageRequest) -> bool:
    """Tell whether the reader may create tenants, which who is limited to some may not."""
    return request.grants.allows(Permission.TenantCreate, tenant=NO_TENANT)


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


def missing_there(
    request: PageRequest, tenants: Sequence[int], projects: Iterable[Project]
) -> Counter[tuple[int, int, int]]:
    """Count the values that tenants have to fill in yet, by tenant, project and environment.

    Those of places whose variables the reader may not see are left out.
    """
    rows = {row.pk: row for row in projects}
    found: Counter[tuple[int, int, int]] = Counter()
    for each in missing_values(request.space, tenants, rows.values()):
        project = rows[each.project]
        if request.grants.allows(
            Permission.VariableView,
            project=project.pk,
            project_group=project.group_id,
            environment=each.environment,
        ):
            found[each.tenant, project.pk, each.environment] += 1
    return found


def tag_sets_of_space(request: PageRequest) -> list[TagSet]:
    """Return the tag sets with their tags, in their order."""
    return list(tenant_tag_sets(request.space))
