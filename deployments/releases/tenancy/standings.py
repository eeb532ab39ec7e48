"""Reads of what tenants may get of a release: who is eligible, and how far each has come."""

from collections.abc import Collection
from dataclasses import dataclass

from deployments.base.actor import Actor
from deployments.infrastructure.models import Environment
from deployments.projects.models import Channel
from deployments.projects.queries import lifecycle_of, phases_of
from deployments.releases.models import Deployment, Release
from deployments.releases.progression import Progression, progress_alike
from deployments.releases.queries import phase_of_view, unresolved_defect
from deployments.releases.tenancy.rules import TenantCase, why_not_for
from deployments.server_tasks.states import TaskState
from tenants.models import Tenant
from tenants.queries import (
    TenantScope,
    connected_environments,
    environments_of_tenant,
    tag_names,
    tags_by_tenant,
    tenanted_mode,
    tenants_of_project,
)


@dataclass(frozen=True, slots=True)
class TenantStanding:
    """A connected tenant and how a release stands for it. `why_not` is set when it may not go."""

    tenant: Tenant
    progression: Progression
    environments: frozenset[int]
    why_not: str = ""
    tags: tuple[str, ...] = ()

    @property
    def scope(self) -> TenantScope:
        """The tenant as deployments need it."""
        return TenantScope(self.tenant.pk, self.tenant.name, self.tags)


def tags_of_channel(channel: Channel) -> tuple[str, ...]:
    """Return the tenant tags that limit where releases of the channel may go."""
    return tuple(str(name) for name in channel.extra.get("TenantTags") or ())


def why_not_for_tenant(release: Release, tenant: Tenant | None, environment: Environment) -> str:
    """Return why the release may not go to the environment for the tenant, or without one."""
    project, channel = release.project, release.channel
    case = None
    if tenant is not None:
        case = TenantCase(
            tenant.name,
            tag_names(tenant),
            tenant.is_disabled,
            environments_of_tenant(tenant, project),
        )
    return why_not_for(
        case,
        project=project.name,
        mode=tenanted_mode(project),
        channel=channel.name,
        channel_tags=tags_of_channel(channel),
        environment=environment.pk,
        environment_name=environment.name,
    )


def standings(
    release: Release,
    actor: Actor,
    permission: str,
    *,
    tenants: Collection[int] | None = None,
) -> list[TenantStanding]:
    """Return how the release stands for each tenant of its project, or for those numbered.

    The actor holds the permission on them. A fixed number of queries for any number of tenants.
    """
    project, channel = release.project, release.channel
    rows = tenants_of_project(actor, project, permission)
    found = list(rows if tenants is None else rows.filter(pk__in=tenants))
    for row in found:
        row.space = release.space
    connected = connected_environments(project)
    tags = tags_by_tenant([row.pk for row in found])
    done = succeeded_by_tenant(release)
    phases = [phase_of_view(view) for view in phases_of(lifecycle_of(channel))]
    progress = progress_alike(phases, has_defect=unresolved_defect(release) is not None)
    limits, mode = tags_of_channel(channel), tenanted_mode(project)
    result = []
    for row in found:
        environments = connected[row.pk]
        carried = tuple(tag.canonical_name for tag in tags[row.pk])
        case = TenantCase(row.name, carried, row.is_disabled, environments)
        progression = progress(frozenset(done.get(row.pk, ())), environments)
        why = why_not_for(
            case, project=project.name, mode=mode, channel=channel.name, channel_tags=limits
        )
        result.append(TenantStanding(row, progression, environments, why, carried))
    return result


def succeeded_by_tenant(release: Release) -> dict[int | None, set[int]]:
    """Return, by tenant (None without one), where the release was deployed successfully."""
    found: dict[int | None, set[int]] = {}
    rows = Deployment.objects.in_space(release.space).filter(
        release=release, task__state=TaskState.SUCCESS
    )
    pairs = rows.order_by().values_list("tenant_number", "environment_id").distinct()
    for tenant, environment in pairs:
        found.setdefault(tenant, set()).add(environment)
    return found
