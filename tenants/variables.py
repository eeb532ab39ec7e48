"""Reads of the values that tenants fill in: for pages, for deployments, and what is missing."""

import base64
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from deployments.base.models import Space
from deployments.library.scoping import Candidate, Scope
from deployments.library.variable_templates import VariableTemplate, read_templates
from deployments.projects.models import Project
from deployments.projects.queries import included_sets, included_sets_of
from deployments.projects.settings import extra_document
from tenants.models import FilledValue, TenantCommonVariable, TenantVariable
from tenants.queries import TenantScope, connections_of

V = TypeVar("V", bound=FilledValue)
Key = tuple[int, int, int, str]
# Tenant, library set, environment or None, template.
CommonKey = tuple[int, int, int | None, str]


@dataclass(frozen=True, slots=True)
class MissingValue:
    """A template without value and default, where a tenant is connected. Numbers of rows.

    `library_set` is that of a common template.
    """

    tenant: int
    project: int
    environment: int
    template: VariableTemplate
    library_set: int | None = None


def templates_of(project: Project) -> tuple[VariableTemplate, ...]:
    """Return the project's variable templates in their order."""
    return read_templates(extra_document(project.extra)["Templates"])


def values_of(space: Space, tenants: Collection[int]) -> dict[Key, TenantVariable]:
    """Return the tenants' values by tenant, project, environment and template; one query."""
    rows = TenantVariable.objects.in_space(space).filter(tenant__in=tenants)
    return {(row.tenant_id, row.project_id, row.environment_id, row.template): row for row in rows}


def common_values_of(
    space: Space, tenants: Collection[int]
) -> dict[CommonKey, TenantCommonVariable]:
    """Return the tenants' common values by what they are for; one query."""
    rows = TenantCommonVariable.objects.in_space(space).filter(tenant__in=tenants)
    return {
        (row.tenant_id, row.library_set_id, row.environment_id, row.template): row for row in rows
    }


def common_value(
    stored: Mapping[CommonKey, TenantCommonVariable],
    tenant: int,
    library_set: int,
    environment: int,
    template: str,
) -> TenantCommonVariable | None:
    """Return the value that counts in the environment: its own, else that of all."""
    places = (environment, None)
    found = (stored.get((tenant, library_set, place, template)) for place in places)
    return next(filter(None, found), None)


def missing_values(
    space: Space, tenants: Sequence[int], projects: Iterable[Project]
) -> list[MissingValue]:
    """Return what the tenants have not filled in, by tenant, project and environment."""
    required = _required(space, projects)
    if not any(required.values()):
        return []
    connections, filled = connections_of(tenants), _Filled(space, tenants, required)
    return [
        MissingValue(tenant, project, environment, template, library_set)
        for tenant in tenants
        for project, environments in connections[tenant].items()
        if project in required
        for environment in environments
        for template, library_set in required[project]
        if not filled.has(tenant, project, environment, template, library_set)
    ]


def missing_names(project: Project, tenant: TenantScope, environment: int) -> list[str]:
    """Return what people call the values that a deployment there would lack."""
    required = _required(project.space, [project])
    if not required[project.pk]:
        return []
    filled = _Filled(project.space, [tenant.number], required)
    return [
        template.words
        for template, library_set in required[project.pk]
        if not filled.has(tenant.number, project.pk, environment, template, library_set)
    ]


def tenant_candidates(
    project: Project, tenant: TenantScope | None, environment: int
) -> list[Candidate]:
    """Return what the tenant filled in for the resolver, defaults included.

    Values of the project, and common ones of the environment, rank as scoped to the tenant and the
    environment, other common ones as scoped to the tenant.
    """
    if tenant is None:
        return []
    everywhere = {"Tenant": frozenset({tenant.public_id.lower()})}
    there = {**everywhere, "Environment": frozenset({f"environments-{environment}"})}
    found: list[Candidate] = []
    if templates := templates_of(project):
        stored = values_of(project.space, [tenant.number])
        rows = [
            (each, stored.get((tenant.number, project.pk, environment, each.id)))
            for each in templates
        ]
        found += _candidates(rows, lambda _row: there, source=0)
    sets = [(row, read_templates(row.templates)) for row in included_sets(project)]
    if any(templates for _, templates in sets):
        common = common_values_of(project.space, [tenant.number])
        for source, (row, templates) in enumerate(sets, start=1):
            named = [
                (each, common_value(common, tenant.number, row.pk, environment, each.id))
                for each in templates
            ]
            found += _candidates(
                named,
                lambda value: there if value and value.environment_id else everywhere,
                source=source,
            )
    return found


# A template that a tenant must fill in, with the number of the library set that it belongs to.
_Required = tuple[VariableTemplate, int | None]


def _required(space: Space, projects: Iterable[Project]) -> dict[int, list[_Required]]:
    """Return the templates without default by project: its own, then those of its sets."""
    rows = list(projects)
    sets = included_sets_of(space, rows)
    return {
        project.pk: [
            *((each, None) for each in templates_of(project) if each.default is None),
            *(
                (each, row.pk)
                for row in sets[project.pk]
                for each in read_templates(row.templates)
                if each.default is None
            ),
        ]
        for project in rows
    }


class _Filled:
    """Which values tenants have given; reads only the kinds that are asked for."""

    def __init__(
        self,
        space: Space,
        tenants: Collection[int],
        required: Mapping[int, Sequence[_Required]],
    ) -> None:
        wanted = {library_set is None for each in required.values() for _, library_set in each}
        self._own = values_of(space, tenants) if True in wanted else {}
        self._common = common_values_of(space, tenants) if False in wanted else {}

    def has(
        self,
        tenant: int,
        project: int,
        environment: int,
        template: VariableTemplate,
        library_set: int | None,
    ) -> bool:
        if library_set is None:
            return (tenant, project, environment, template.id) in self._own
        value = common_value(self._common, tenant, library_set, environment, template.id)
        return value is not None


def _candidates(
    rows: Iterable[tuple[VariableTemplate, V | None]],
    scope_of: Callable[[V | None], Scope],
    *,
    source: int,
) -> Iterator[Candidate]:
    for position, (template, row) in enumerate(rows):
        if row is None and template.default is None:
            continue
        sealed = bytes(row.sealed_value) if row is not None and row.sealed_value else None
        yield Candidate(
            id=template.id,
            name=template.name,
            value=None if sealed else (template.default if row is None else row.value),
            scope=scope_of(row),
            position=position,
            source=source,
            kind=template.kind,
            is_sensitive=template.is_sensitive or sealed is not None,
            sealed=base64.b64encode(sealed).decode() if sealed else None,
            place=row.secret_place if row is not None else "",
        )
