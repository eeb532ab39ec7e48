"""For whom a release is deployed: the tenants of the deploy page."""

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.base.errors import NotFound
from deployments.releases.models import Release
from deployments.releases.progression import Progression
from deployments.releases.queries import progression_of
from deployments.releases.tenancy.standings import TenantStanding, standings
from tenants.models import Tenant
from tenants.queries import TenantScope, tenant_scope, tenanted_mode


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


def whom_of(request: PageRequest, release: Release) -> Whom:
    """Return for whom the address or the form says; raises NotFound for a tenant out of sight."""
    mode = tenanted_mode(release.project)
    wanted = request.POST.get("tenant") or request.GET.get("tenant", "")
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
