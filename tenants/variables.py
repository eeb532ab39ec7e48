"""Reads of the values that tenants fill in: for pages, for deployments, and what is missing."""

import base64
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from deployments.base.models import Space
from deployments.library.scoping import Candidate
from deployments.projects.models import Project
from deployments.projects.settings import extra_document
from deployments.projects.variable_templates import VariableTemplate, read_templates
from tenants.models import TenantVariable
from tenants.queries import TenantScope, connections_of

Key = tuple[int, int, int, str]


@dataclass(frozen=True, slots=True)
class MissingValue:
    """A template without value and default, where a tenant is connected. Numbers of rows."""

    tenant: int
    project: int
    environment: int
    template: VariableTemplate


def templates_of(project: Project) -> tuple[VariableTemplate, ...]:
    """Return the project's variable templates in their order."""
    return read_templates(extra_document(project.extra)["Templates"])


def values_of(space: Space, tenants: Collection[int]) -> dict[Key, TenantVariable]:
    """Return the tenants' values by tenant, project, environment and template; one query."""
    rows = TenantVariable.objects.in_space(space).filter(tenant__in=tenants)
    return {(row.tenant_id, row.project_id, row.environment_id, row.template): row for row in rows}


def missing_values(
    space: Space, tenants: Sequence[int], projects: Iterable[Project]
) -> list[MissingValue]:
    """Return what the tenants have not filled in, by tenant, project and environment."""
    rows = {project.pk: project for project in projects}
    templates = {
        number: [t for t in templates_of(project) if t.default is None]
        for number, project in rows.items()
    }
    if not any(templates.values()):
        return []
    connections, stored = connections_of(tenants), values_of(space, tenants)
    return [
        MissingValue(tenant, project, environment, template)
        for tenant in tenants
        for project, environments in connections[tenant].items()
        if project in rows
        for environment in environments
        for template in templates[project]
        if (tenant, project, environment, template.id) not in stored
    ]


def missing_names(project: Project, tenant: TenantScope, environment: int) -> list[str]:
    """Return what people call the values that a deployment there would lack."""
    wanted = [t for t in templates_of(project) if t.default is None]
    if not wanted:
        return []
    stored = values_of(project.space, [tenant.number])
    return [
        template.words
        for template in wanted
        if (tenant.number, project.pk, environment, template.id) not in stored
    ]


def tenant_candidates(
    project: Project, tenant: TenantScope | None, environment: int
) -> list[Candidate]:
    """Return what the tenant filled in for the resolver, defaults included.

    They rank as values scoped to the tenant and the environment.
    """
    templates = templates_of(project) if tenant is not None else ()
    if tenant is None or not templates:
        return []
    stored = values_of(project.space, [tenant.number])
    scope = {
        "Tenant": frozenset({tenant.public_id.lower()}),
        "Environment": frozenset({f"environments-{environment}"}),
    }
    found = []
    for position, template in enumerate(templates):
        row = stored.get((tenant.number, project.pk, environment, template.id))
        if row is None and template.default is None:
            continue
        sealed = bytes(row.sealed_value) if row is not None and row.sealed_value else None
        found.append(
            Candidate(
                id=template.id,
                name=template.name,
                value=None if sealed else (template.default if row is None else row.value),
                scope=scope,
                position=position,
                is_sensitive=template.is_sensitive or sealed is not None,
                sealed=base64.b64encode(sealed).decode() if sealed else None,
                place=row.secret_place if row is not None else "",
            )
        )
    return found
