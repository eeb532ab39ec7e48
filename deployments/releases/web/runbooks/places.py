"""Where and for whom a runbook may run: the environments and tenants of the run page."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Max

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.access.web.who_can import need
from deployments.infrastructure.models import Environment
from deployments.projects.models import Runbook
from deployments.projects.runbooks import why_not_with
from deployments.releases.models import RunbookRun
from deployments.releases.services.runbook_runs import reasons_not_run, why_not_for
from deployments.releases.services.several import Place
from deployments.releases.web.runbooks.pages import visible_runs
from tenants.models import Tenant
from tenants.queries import (
    TenantScope,
    connected_environments,
    tags_by_tenant,
    tenants_of_project,
)
from tenants.variables import missing_values


@dataclass(frozen=True, slots=True)
class ConnectedTenant:
    """A tenant of the project; `environments` connect it."""

    tenant: Tenant
    environments: frozenset[int]
    tags: tuple[str, ...] = ()

    @property
    def scope(self) -> TenantScope:
        """The tenant as runs need it."""
        return TenantScope(self.tenant.pk, self.tenant.name, self.tags)


@dataclass(frozen=True, slots=True)
class RunLane:
    """A place with why nothing runs there, empty when it may."""

    place: Place
    scope: TenantScope | None
    why_not: str

    @property
    def environment(self) -> Environment:
        return self.place.environment


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """An environment to choose, its newest run, and why nothing runs there."""

    environment: Environment
    last: RunbookRun | None
    why_not: str


def connected_tenants(request: PageRequest, runbook: Runbook) -> list[ConnectedTenant]:
    """Return the tenants of the project that the reader may see; three queries."""
    rows = list(tenants_of_project(request.actor, runbook.project, Permission.TenantView))
    connected = connected_environments(runbook.project)
    tags = tags_by_tenant([row.pk for row in rows])
    for row in rows:
        row.space = request.space
    return [
        ConnectedTenant(row, connected[row.pk], tuple(tag.canonical_name for tag in tags[row.pk]))
        for row in rows
    ]


def environment_rows(
    request: PageRequest,
    runbook: Runbook,
    environments: Sequence[Environment],
    *,
    for_tenants: bool,
) -> list[EnvironmentRow]:
    """Return the environments with their newest runs.

    `for_tenants`: whether the reader may run it there depends on the tenant and is said later.
    """
    runs = visible_runs(request)
    of_runbook = runs.filter(runbook=runbook).order_by().values("environment")
    newest = of_runbook.annotate(newest=Max("pk")).values("newest")
    last = {run.environment_id: run for run in runs.filter(pk__in=newest)}
    reasons = _reasons(runbook, environments)
    found = []
    for row in environments:
        reason = reasons[row.pk] or ("" if for_tenants else _needs(request, runbook, row))
        found.append(EnvironmentRow(row, last.get(row.pk), reason))
    return found


def run_lanes(
    request: PageRequest,
    runbook: Runbook,
    wanted: Sequence[tuple[Environment, ConnectedTenant | None]],
) -> list[RunLane]:
    """Return the places that were chosen with why not; queries grow with environments only."""
    project = runbook.project
    environments = {environment.pk: environment for environment, _ in wanted}
    reasons = _reasons(runbook, list(environments.values()))
    tenants = list(dict.fromkeys(row.tenant.pk for _, row in wanted if row))
    lacking: dict[tuple[int, int], list[str]] = {}
    for value in missing_values(request.space, tenants, [project]) if tenants else ():
        lacking.setdefault((value.tenant, value.environment), []).append(value.template.words)
    lanes = []
    for environment, row in wanted:
        tenant = row.tenant if row else None
        reason = reasons[environment.pk] or why_not_with(
            runbook.settings, tenant.name if tenant else None
        )
        if row is not None and not reason:
            reason = why_not_for(project.name, environment, row.tenant, row.environments)
            if names := lacking.get((row.tenant.pk, environment.pk)):
                reason = reason or f"The tenant has no value for {', '.join(names)} there."
        reason = reason or _needs(request, runbook, environment, tenant)
        lanes.append(RunLane(Place(environment, tenant), row.scope if row else None, reason))
    return lanes


def _reasons(runbook: Runbook, environments: Sequence[Environment]) -> dict[int, str]:
    if runbook.project.is_disabled:
        return {row.pk: "The project is disabled: its runbooks do not run." for row in environments}
    return reasons_not_run(runbook, environments)


def _needs(
    request: PageRequest,
    runbook: Runbook,
    environment: Environment,
    tenant: Tenant | None = None,
) -> str:
    """Return which permission the reader lacks there, and who has it; empty when none."""
    values = {
        "project": runbook.project_id,
        "project_group": runbook.project.group_id,
        "environment": environment.pk,
        "tenant": tenant.pk if tenant else None,
    }
    if request.grants.allows(Permission.RunbookRunCreate, **values):
        return ""
    return need(request, Permission.RunbookRunCreate, **values)
