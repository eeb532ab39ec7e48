"""Cloning a tenant: tags, connections and the picture under a new name."""

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from tenants.models import Tenant, TenantLogo
from tenants.queries import connections_of, tag_names
from tenants.services.tenants import TenantInput, create_tenant


def clone_tenant(
    *,
    actor: Actor,
    source: Tenant,
    name: str,
    description: str = "",
    slug: str = "",
    is_disabled: bool = False,
    clock: Clock = utc_now,
) -> Tenant:
    """Copy a tenant, as far as the actor may see its projects and environments."""
    require_on(actor, source, Permission.TenantView)
    space = source.space
    stored = connections_of([source.pk])[source.pk]
    projects = Project.objects.visible_to(actor, space, Permission.ProjectView).in_bulk(stored)
    places = Environment.objects.visible_to(actor, space, Permission.EnvironmentView).in_bulk(
        {number for numbers in stored.values() for number in numbers}
    )
    for project in projects.values():
        project.space = space
    with transaction.atomic():
        row = create_tenant(
            actor=actor,
            space=space,
            tenant=TenantInput(
                name=name,
                description=description or source.description,
                slug=slug,
                is_disabled=is_disabled,
                tags=tag_names(source),
                connections={
                    project: [places[n] for n in stored[number] if n in places]
                    for number, project in projects.items()
                    if project.extra.get("TenantedDeploymentMode", "Untenanted") != "Untenanted"
                },
            ),
            cloned_from=source,
            clock=clock,
        )
        logo = TenantLogo.objects.filter(tenant=source).first()
        if logo is not None:
            TenantLogo.objects.create(
                tenant=row, content_type=logo.content_type, content=logo.content
            )
    return row
