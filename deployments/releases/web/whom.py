"""For whom a release is deployed: the tenants of the deploy page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.base.errors import NotFound
from deployments.infrastructure.models import Environment
from deployments.releases.models import Deployment, Release
from deployments.releases.progression import Progression
from deployments.releases.queries import progression_of
from deployments.releases.tenancy.standings import TenantStanding, standings
from tenants.models import Tenant
from tenants.queries import TenantScope, tenant_scope, tenanted_mode
from tenants.variables import missing_names

MOST_TENANTS: Final = 50


@dataclass(frozen=True, slots=True)
class Whom:
    """Those for whom the release may be deployed, and the choice; without one there is no plan."""

    may_be_nobody: bool
    is_asked: bool
    eligible: Sequence[TenantStanding] = ()
    refused: Sequence[TenantStanding] = ()
    tenant: Tenant | None = None
    scope: TenantScope | None = None
    progression: Progression | None = None

    @property
    def number(self) -> int | None:
        return self.tenant.pk if self.tenant else None

    @property
    def words(self) -> str:
        """What to say after the environment."""
        return f" for {self.tenant.name}" if self.tenant else ""


def missing_values_of(
    release: Release, tenant: TenantScope | None, environment: Environment
) -> list[str]:
    """Return what people call the values that the tenant has not filled in there."""
    return missing_names(release.project, tenant, environment.pk) if tenant else []


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant of the page of a release: where it has it, and where it may get it next."""

    tenant: Tenant
    has: tuple[str, ...]
    coming: tuple[str, ...]
    first: Environment | None
    why_not: str


def tenant_rows(
    request: PageRequest, release: Release, environments: Sequence[Environment]
) -> list[TenantRow]:
    """Return how the release stands for the tenants that the reader may see."""
    if not tenanted_mode(release.project).allows_tenants:
        return []
    names = {row.pk: row for row in environments}
    rows = []
    for standing in standings(release, request.actor, Permission.TenantView):
        done = {n for state in standing.progression.phases for n in state.succeeded}
        coming = [names[n] for n in standing.progression.next_environments if n in names]
        rows.append(
            TenantRow(
                standing.tenant,
                tuple(row.name for row in environments if row.pk in done),
                tuple(row.name for row in coming),
                coming[0] if coming and not standing.why_not else None,
                standing.why_not,
            )
        )
    return rows


def whom_of(request: PageRequest, release: Release, earlier: Deployment | None = None) -> Whom:
    """Return for whom the address or the form says, else for whom the earlier deployment was.

    Raises NotFound for a tenant out of sight.
    """
    mode = tenanted_mode(release.project)
    wanted = request.POST.get("tenant") or request.GET.get("tenant", "")
    if not wanted and earlier is not None and earlier.tenant_number:
        wanted = f"Tenants-{earlier.tenant_number}"
    if not mode.allows_tenants:
        return Whom(True, is_asked=False, progression=progression_of(release))
    rows = standings(release, request.actor, Permission.TenantView)
    eligible = [row for row in rows if not row.why_not]
    refused = [row for row in rows if row.why_not]
    chosen = next(
        (r for r in rows if wanted.lower() in {r.tenant.public_id.lower(), r.tenant.slug}), None
    )
    if wanted and (chosen is None or chosen.why_not):
        raise NotFound
    progression = None
    if chosen is not None:
        progression = chosen.progression
    elif mode.allows_untenanted:
        progression = progression_of(release)
    tenant = chosen.tenant if chosen else None
    return Whom(
        may_be_nobody=mode.allows_untenanted,
        is_asked=True,
        eligible=eligible,
        refused=refused,
        tenant=tenant,
        scope=tenant_scope(tenant),
        progression=progression,
    )
