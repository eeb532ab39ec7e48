"""Reads about tenants on dashboards: what one has where, and how many have what a cell shows."""

from collections.abc import Collection, Iterable, Sequence

from django.db.models import Count, Exists, OuterRef, QuerySet

from deployments.access.grants import Grants
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.insights.board import BoardRow, ProjectFact, make_rows
from deployments.insights.candidates import candidates_of, newest_of
from deployments.projects.models import Project
from deployments.releases.deployed import newest_by_place
from deployments.releases.models import Deployment
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import TaskState
from tenants.models import ConnectedEnvironment, Tenant
from tenants.queries import connections_of

Tallies = dict[tuple[int, int], tuple[int, int]]


def tallies_of(
    actor: Actor,
    space: Space,
    rows: Iterable[BoardRow],
    *,
    among: Collection[int] | None = None,
) -> Tallies:
    """Return, by project and environment, how many tenants have what the cell shows, of how many.

    `among` are the tenants that count, None counts all. Only cells with connected tenants are in
    it; two queries, one where no tenant is connected.
    """
    shown = {
        (row.project.number, cell.environment): cell.deployed.release
        for row in rows
        for cell in row.cells
        if cell.deployed
    }
    projects = {project for project, _ in shown}
    tenants = Tenant.objects.visible_to(actor, space, Permission.TenantView)
    if among is not None:
        tenants = tenants.filter(pk__in=among)
    links = ConnectedEnvironment.objects.filter(
        connection__project__in=projects,
        connection__tenant__in=tenants.filter(is_disabled=False).order_by().values("pk"),
    )
    grouped = links.order_by().values_list("connection__project_id", "environment_id")
    connected = {(p, e): number for p, e, number in grouped.annotate(number=Count("pk"))}
    if not connected:
        return {}
    have = _having(actor, space, set(shown.values()), links)
    return {
        place: (have.get((place, shown[place]), 0), number)
        for place, number in connected.items()
        if place in shown
    }


def _having(
    actor: Actor,
    space: Space,
    releases: Collection[int],
    links: "QuerySet[ConnectedEnvironment]",
) -> dict[tuple[tuple[int, int], int], int]:
    """Return how many connected tenants have each release in each place, as their current one."""
    seen = Deployment.objects.visible_to(actor, space, Permission.DeploymentView)
    connected = links.filter(
        connection__tenant=OuterRef("tenant_number"),
        connection__project=OuterRef("project"),
        environment=OuterRef("environment"),
    )
    rows = seen.filter(
        Exists(connected),
        release__in=releases,
        task__is_current=True,
        task__state=TaskState.SUCCESS,
    )
    columns = ("project_id", "environment_id", "release_id")
    found = rows.order_by().values_list(*columns).annotate(number=Count("pk"))
    return {((project, place), release): number for project, place, release, number in found}


def rows_of_tenant(
    actor: Actor, space: Space, grants: Grants, tenant: Tenant, environments: Sequence[int]
) -> list[BoardRow]:
    """Return a row for each project that the tenant takes part in, as far as the actor sees it."""
    connected = connections_of([tenant.pk])[tenant.pk]
    rows = Project.objects.visible_to(actor, space, Permission.ProjectView)
    rows = rows.filter(pk__in=connected, is_disabled=False).order_by("group__name", "name")
    columns = ("pk", "name", "slug", "group__name", "lifecycle__name")
    projects = [ProjectFact(*values) for values in rows.values_list(*columns)]
    newest = newest_of(actor, space, rows)
    groups = {each.project: each.group for each in newest}
    seen = ServerTask.objects.visible_to(actor, space, Permission.DeploymentView)
    deployed = newest_by_place(seen.filter(tenant_number=tenant.pk), groups, environments)
    may_deploy = {
        (project, environment)
        for project, group in groups.items()
        for environment in connected[project]
        if grants.allows(
            Permission.DeploymentCreate,
            project=project,
            project_group=group,
            environment=environment,
            tenant=tenant.pk,
        )
    }
    releases = {each.release for each in deployed}
    releases |= {each.release for each in newest if each.release is not None}
    candidates = candidates_of(actor, space, releases, tenant=tenant.pk, connected=connected)
    return make_rows(projects, environments, deployed, candidates, may_deploy)
