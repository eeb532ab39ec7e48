"""Connecting tenants to projects and environments."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.participation import Participation
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.projects.services.projects import set_project_extra
from tenants.models import ConnectedEnvironment, ProjectConnection, Tenant
from tenants.queries import connections_of, environments_of_project, tenanted_mode


def connect_project(
    *,
    actor: Actor,
    tenant: Tenant,
    project: Project,
    environments: Sequence[Environment],
    allow_tenants: bool = False,
) -> None:
    """Connect the tenant to the project in exactly these environments.

    With `allow_tenants` a project that is not deployed for tenants becomes one that may be.
    """
    require_on(actor, tenant, Permission.TenantEdit)
    require_on(actor, project, Permission.ProjectView)
    with transaction.atomic():
        if allow_tenants and not tenanted_mode(project).allows_tenants:
            set_project_extra(
                actor=actor,
                row=project,
                extra={"TenantedDeploymentMode": str(Participation.TENANTED_OR_UNTENANTED)},
            )
        before = connections_of([tenant.pk])[tenant.pk].get(project.pk)
        _require_possible(project, environments, stored=before)
        _store(actor, tenant, project, environments)
        after = connections_of([tenant.pk])[tenant.pk].get(project.pk)
        _record(actor, tenant, project, "connected to", before, after)


def disconnect_project(*, actor: Actor, tenant: Tenant, project: Project) -> None:
    """Take the tenant out of the project; its variable values stay for a later connection."""
    require_on(actor, tenant, Permission.TenantEdit)
    require_on(actor, project, Permission.ProjectView)
    with transaction.atomic():
        before = connections_of([tenant.pk])[tenant.pk].get(project.pk)
        ProjectConnection.objects.filter(tenant=tenant, project=project).delete()
        if before is not None:
            _record(actor, tenant, project, "disconnected from", before, None)


def replace_connections(
    actor: Actor, tenant: Tenant, wanted: Mapping[Project, Sequence[Environment]]
) -> None:
    """Make these the tenant's connections; those to projects that the actor cannot see stay."""
    stored = connections_of([tenant.pk])[tenant.pk]
    visible = Project.objects.visible_to(actor, tenant.space, Permission.ProjectView)
    seen = set(visible.filter(pk__in=stored).values_list("pk", flat=True))
    gone = seen - {project.pk for project in wanted}
    ProjectConnection.objects.filter(tenant=tenant, project__in=gone).delete()
    for project, environments in wanted.items():
        before = stored.get(project.pk)
        if before is None or set(before) != {row.pk for row in environments}:
            _require_possible(project, environments, stored=before)
            _store(actor, tenant, project, environments)


def _require_possible(
    project: Project, environments: Sequence[Environment], *, stored: Sequence[int] | None
) -> None:
    if stored is None and not tenanted_mode(project).allows_tenants:
        raise Invalid(
            f"The project '{project.name}' is not deployed for tenants. Allow tenanted deployments"
            " in its settings first."
        )
    known = set(stored or ())
    if all(row.pk in known for row in environments):
        return
    possible = {row.pk for row in environments_of_project(project)}
    strange = [row.name for row in environments if row.pk not in possible | known]
    if strange:
        raise Invalid(
            f"The lifecycles of the project '{project.name}' do not have the environment"
            f" {', '.join(strange)}."
        )


def _store(
    actor: Actor, tenant: Tenant, project: Project, environments: Sequence[Environment]
) -> None:
    connection, _ = ProjectConnection.objects.get_or_create(tenant=tenant, project=project)
    visible = Environment.objects.visible_to(actor, tenant.space, Permission.EnvironmentView)
    wanted = {row.pk for row in environments}
    links = ConnectedEnvironment.objects.filter(connection=connection)
    links.filter(environment__in=visible.values("pk")).exclude(environment__in=wanted).delete()
    there = set(links.values_list("environment_id", flat=True))
    ConnectedEnvironment.objects.bulk_create(
        [
            ConnectedEnvironment(connection=connection, environment_id=number)
            for number in sorted(wanted - there)
        ]
    )


def _record(
    actor: Actor,
    tenant: Tenant,
    project: Project,
    verb: str,
    before: Sequence[int] | None,
    after: Sequence[int] | None,
) -> None:
    def shown(numbers: Sequence[int] | None) -> dict[str, list[str] | None]:
        ids = None if numbers is None else [f"Environments-{number}" for number in numbers]
        return {project.public_id: ids}

    events.record(
        actor=actor,
        space=tenant.space,
        category="Modified",
        message=f"Tenant {tenant.name} was {verb} {project.name}",
        subject=tenant.public_id,
        related=[project.public_id],
        before=shown(before),
        after=shown(after),
    )
