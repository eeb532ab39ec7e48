"""Tenants as pages of a project let one choose them (deployments.projects.tenant_choices)."""

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.access.grants import Grants
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.participation import Participation
from deployments.library.scoping import Candidate
from deployments.projects.models import Project
from tenants.models import Tenant
from tenants.queries import tag_names, tenant_scope, tenanted_mode, tenants_of_project
from tenants.variables import tenant_candidates


@dataclass(frozen=True, slots=True)
class ProjectTenant:
    """A tenant of a project."""

    project: Project
    tenant: Tenant

    @property
    def public_id(self) -> str:
        return self.tenant.public_id

    @property
    def name(self) -> str:
        return self.tenant.name

    def tags(self) -> frozenset[str]:
        return frozenset(tag_names(self.tenant))

    def values(self, grants: Grants, environment: int) -> list[Candidate]:
        project = self.project
        may_view = grants.allows(
            Permission.VariableView,
            project=project.pk,
            project_group=project.group_id,
            environment=environment,
            tenant=self.tenant.pk,
        )
        scope = tenant_scope(self.tenant)
        return tenant_candidates(project, scope, environment) if may_view else []


def project_tenants(actor: Actor, project: Project) -> Sequence[ProjectTenant]:
    """Return the tenants of the project that the actor may see."""
    if tenanted_mode(project) == Participation.UNTENANTED:
        return []
    rows = tenants_of_project(actor, project, Permission.TenantView)
    return [ProjectTenant(project, row) for row in rows]
