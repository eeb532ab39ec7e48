"""Where a freeze holds: the matrix of projects and environments, and the places of tenants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.base.errors import Invalid
from deployments.base.numbers import whole_number
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.releases.models import DeploymentFreeze, FreezeScope
from deployments.releases.services.freezes import FreezePlace
from deployments.releases.web.frames import visible_environments
from tenants.models import Tenant

Key = tuple[int, int, int | None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the reader may see, by number; places of anything else stay as they are."""

    projects: dict[int, Project]
    environments: dict[int, Environment]
    tenants: dict[int, Tenant]

    def has(self, key: Key) -> bool:
        """Whether the reader may see all of a place."""
        project, environment, tenant = key
        return (
            project in self.projects
            and environment in self.environments
            and (tenant is None or tenant in self.tenants)
        )

    def place(self, key: Key) -> FreezePlace:
        """Return a place of what is seen."""
        project, environment, tenant = key
        return FreezePlace(self.projects[project], self.environments[environment], tenant)


def seen_by(request: PageRequest) -> Seen:
    """Return what the reader may see; three queries."""
    projects = Project.objects.visible_to(request.actor, request.space, Permission.ProjectView)
    tenants = Tenant.objects.visible_to(request.actor, request.space, Permission.TenantView)
    return Seen(
        {row.pk: row for row in projects},
        {row.pk: row for row in visible_environments(request)},
        {row.pk: row for row in tenants},
    )


def shown_places(request: PageRequest, row: DeploymentFreeze | None) -> dict[str, Any]:
    """Return the matrix, the places of tenants and what may be added."""
    seen, keys = seen_by(request), _keys(row)
    environments = list(seen.environments.values())
    held = {project for project, _, tenant in keys if tenant is None}
    own = [key for key in keys if key[2] is not None and seen.has(key)]
    return {
        "environments": environments,
        "matrix": [
            (
                project,
                [
                    (each, _text((project.pk, each.pk, None)), (project.pk, each.pk, None) in keys)
                    for each in environments
                ],
            )
            for project in seen.projects.values()
            if project.pk in held
        ],
        "tenant_places": sorted(
            (
                seen.tenants[tenant].name,
                seen.projects[project].name,
                seen.environments[environment].name,
                _text((project, environment, tenant)),
            )
            for project, environment, tenant in own
            if tenant is not None
        ),
        "hidden": sum(1 for key in keys if not seen.has(key)),
        "projects": list(seen.projects.values()),
        "tenants": list(seen.tenants.values()),
    }


def sent_places(request: PageRequest, row: DeploymentFreeze | None) -> list[FreezePlace]:
    """Return the marked places, those that are added, and what was not shown."""
    sent, seen = request.POST, seen_by(request)
    marked = [key for text in sent.getlist("place") if (key := _key(text)) and seen.has(key)]
    projects, environments = sent.getlist("project"), sent.getlist("environment")
    if projects and not environments:
        raise Invalid("Mark the environments in which the added projects are frozen.")
    added = [
        key
        for project in projects
        for environment in environments
        for tenant in sent.getlist("tenant") or [""]
        if (key := _key(f"{project}:{environment}:{tenant}")) and seen.has(key)
    ]
    # In the order of the numbers, whatever the browser sent first.
    chosen = sorted({*marked, *added}, key=lambda key: (key[0], key[1], key[2] or 0))
    return [seen.place(key) for key in chosen] + _kept(row, seen)


def _kept(row: DeploymentFreeze | None, seen: Seen) -> list[FreezePlace]:
    """Return the places that the form does not show, because the editor may not see them."""
    if row is None:
        return []
    scopes = FreezeScope.objects.filter(freeze=row).select_related("project", "environment")
    return [
        FreezePlace(scope.project, scope.environment, scope.tenant_number)
        for scope in scopes
        if not seen.has((scope.project_id, scope.environment_id, scope.tenant_number))
    ]


def _keys(row: DeploymentFreeze | None) -> Sequence[Key]:
    if row is None:
        return ()
    scopes = FreezeScope.objects.filter(freeze=row)
    return list(scopes.values_list("project_id", "environment_id", "tenant_number"))


def _text(key: Key) -> str:
    project, environment, tenant = key
    return f"{project}:{environment}:{tenant or ''}"


def _key(text: str) -> Key | None:
    """Read a place; None for a text that is none."""
    project, _, rest = text.partition(":")
    environment, _, tenant = rest.partition(":")
    numbers = whole_number(project), whole_number(environment)
    whom = whole_number(tenant)
    if numbers[0] is None or numbers[1] is None or (tenant and whom is None):
        return None
    return numbers[0], numbers[1], whom
