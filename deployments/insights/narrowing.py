"""What a dashboard is narrowed to: by the reader's own configuration and by the address."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from django.db.models import Q, QuerySet

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.infrastructure.models import Environment
from deployments.insights.models import DashboardConfiguration
from deployments.projects.models import Project
from deployments.releases.models import Deployment
from deployments.server_tasks.models import ServerTask
from tenants.models import ProjectConnection, Tenant
from tenants.queries import tenant_numbers_with_tags

Counted = TypeVar("Counted", Deployment, ServerTask)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Row numbers; an empty part admits all.

    `tenants` None admits all tenants. With `needs_tenants` only they count: projects without any of
    them and deployments without a tenant are left out.
    """

    groups: frozenset[int] = frozenset()
    projects: frozenset[int] = frozenset()
    environments: frozenset[int] = frozenset()
    tenants: frozenset[int] | None = None
    needs_tenants: bool = False
    limit: int | None = None

    @property
    def is_narrow(self) -> bool:
        return self != Narrowing()

    def for_tenants(self, numbers: Collection[int]) -> "Narrowing":
        """Return the same for these tenants alone."""
        mine = frozenset(numbers) if self.tenants is None else self.tenants & frozenset(numbers)
        return replace(self, tenants=mine, needs_tenants=True)

    def of_projects(self, rows: "QuerySet[Project]") -> "QuerySet[Project]":
        """Return those of the projects that are shown."""
        if self.groups or self.projects:
            rows = rows.filter(Q(group__in=self.groups) | Q(pk__in=self.projects))
        if self.needs_tenants:
            connected = ProjectConnection.objects.filter(tenant__in=self.tenants or ())
            rows = rows.filter(pk__in=connected.values("project"))
        return rows

    def of_deployments(self, rows: "QuerySet[Counted]") -> "QuerySet[Counted]":
        """Return those of the deployments, or of their tasks, that count."""
        if self.tenants is None:
            return rows
        mine = Q(tenant_number__in=self.tenants)
        return rows.filter(mine if self.needs_tenants else mine | Q(tenant_number=None))

    def of_environments(self, rows: Sequence[Environment]) -> list[Environment]:
        """Return those of the environments that are shown."""
        return [row for row in rows if not self.environments or row.pk in self.environments]


def configuration_of(actor: Actor, space: Space) -> DashboardConfiguration | None:
    """Return what the actor's dashboard is configured to show, None without such a wish."""
    if actor.user_id is None:
        return None
    rows = DashboardConfiguration.objects.in_space(space)
    return rows.filter(user=actor.user_id).first()


def narrowing_of(actor: Actor, space: Space) -> Narrowing:
    """Return what the actor's configuration narrows the dashboard to."""
    row = configuration_of(actor, space)
    if row is None:
        return Narrowing()
    tenants = None
    if row.tenants or row.tenant_tags:
        tenants = frozenset(tenants_meant(actor, space, named=row.tenants, tags=row.tenant_tags))
    return Narrowing(
        groups=frozenset(row.project_groups),
        projects=frozenset(row.projects),
        environments=frozenset(row.environments),
        tenants=tenants,
        limit=row.project_limit,
    )


def tenants_meant(
    actor: Actor, space: Space, *, named: Collection[int] = (), tags: Collection[str] = ()
) -> set[int]:
    """Return those of the tenants that are named or whom the tags mean that the actor may see."""
    numbers = set(named)
    if tags:
        numbers |= tenant_numbers_with_tags(space, tags)
    seen = Tenant.objects.visible_to(actor, space, Permission.TenantView)
    return set(seen.filter(pk__in=numbers).values_list("pk", flat=True))
