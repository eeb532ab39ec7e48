"""The places of a deployment to several: what is there now, and why it may not go there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.access.web.who_can import need
from deployments.infrastructure.models import Environment
from deployments.releases.eligibility import why_not
from deployments.releases.freezes.holding import HeldBy, freezes_of_project
from deployments.releases.models import Deployment, Release
from deployments.releases.progression import Progression
from deployments.releases.queries import progression_of
from deployments.releases.services.several import Place
from deployments.releases.tenancy.rules import TenantCase, why_not_for
from deployments.releases.tenancy.standings import TenantStanding
from deployments.releases.web.frames import may_deploy
from deployments.server_tasks.states import TaskState
from tenants.queries import TenantScope, tenanted_mode
from tenants.variables import missing_values


@dataclass(frozen=True, slots=True)
class Lane:
    """A place with the version that succeeded there last. `held` are freezes of this moment."""

    place: Place
    scope: TenantScope | None
    current: str
    is_next: bool
    why_not: str
    held: tuple[HeldBy, ...]

    @property
    def environment(self) -> Environment:
        return self.place.environment


def lanes_of(
    request: PageRequest,
    release: Release,
    wanted: Sequence[tuple[Environment, TenantStanding | None]],
    now: datetime,
) -> list[Lane]:
    """Return the places with their standing; a fixed number of queries for any number."""
    if not wanted:
        return []
    own = progression_of(release)
    freezes = freezes_of_project(request.space, release.project_id)
    current = _current(request, release, {environment.pk for environment, _ in wanted})
    tenants = list(dict.fromkeys(row.tenant.pk for _, row in wanted if row))
    lacking: dict[tuple[int, int], list[str]] = {}
    for value in missing_values(request.space, tenants, [release.project]) if tenants else ():
        lacking.setdefault((value.tenant, value.environment), []).append(value.template.words)
    lanes = []
    for environment, row in wanted:
        number = row.tenant.pk if row else None
        progression = row.progression if row else own
        reason = _why_not(request, release, environment, row, progression)
        if not reason and number and (names := lacking.get((number, environment.pk))):
            reason = f"The tenant has no value for {', '.join(names)} there."
        lanes.append(
            Lane(
                place=Place(environment, row.tenant if row else None),
                scope=row.scope if row else None,
                current=current.get((environment.pk, number), ""),
                is_next=environment.pk in progression.next_environments,
                why_not=reason,
                held=freezes.holding(environment.pk, tenant=number, at=now),
            )
        )
    return lanes


def _why_not(
    request: PageRequest,
    release: Release,
    environment: Environment,
    row: TenantStanding | None,
    progression: Progression,
) -> str:
    project = release.project
    case = None
    if row is not None:
        if row.why_not:
            return row.why_not
        case = TenantCase(row.tenant.name, environments=row.environments)
    reason = why_not_for(
        case,
        project=project.name,
        mode=tenanted_mode(project),
        environment=environment.pk,
        environment_name=environment.name,
    )
    if reason:
        return reason
    number = row.tenant.pk if row else None
    if project.is_disabled:
        return "The project is disabled."
    if not may_deploy(request, project, environment.pk, number):
        return need(
            request,
            Permission.DeploymentCreate,
            project=project.pk,
            project_group=project.group_id,
            environment=environment.pk,
            tenant=number,
        )
    return why_not(progression, environment.pk)


def _current(
    request: PageRequest, release: Release, environments: set[int]
) -> dict[tuple[int, int | None], str]:
    """Return the version that succeeded last, by environment and tenant; two queries."""
    rows = Deployment.objects.visible_to(request.actor, request.space, Permission.DeploymentView)
    newest = (
        rows.filter(
            project=release.project_id,
            environment__in=environments,
            task__state=TaskState.SUCCESS,
        )
        .order_by()
        .values("environment_id", "tenant_number")
        .annotate(newest=Max("pk"))
    )
    found = {row["newest"]: (row["environment_id"], row["tenant_number"]) for row in newest}
    versions = Deployment.objects.in_space(request.space).filter(pk__in=list(found))
    return {
        found[number]: version for number, version in versions.values_list("pk", "release__version")
    }
