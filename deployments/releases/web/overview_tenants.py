"""The overview of a project by tenants: what each has where."""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q

from deployments.access.permissions import Permission
from deployments.access.web.forms import page_of
from deployments.access.web.pages import PageRequest
from deployments.projects.models import Project
from deployments.releases.cells import Cell
from deployments.releases.deployed import current_by_lane
from deployments.releases.models import Deployment
from deployments.releases.web.frames import visible_environments
from deployments.releases.web.overview_offers import offers_for_tenants
from tenants.models import Tenant
from tenants.queries import connected_environments, tenanted_mode, tenants_of_project

_TENANTS_OF_A_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant, None for deployments without one, and its cells.

    A cell is None where it is not connected and has nothing.
    """

    tenant: Tenant | None
    cells: tuple[Cell | None, ...]


def tenant_values(request: PageRequest, project: Project) -> dict[str, Any]:
    """Return what the board by tenants shows; a fixed number of queries for any number of them."""
    tenants = tenants_of_project(request.actor, project, Permission.TenantView)
    part = page_of(request, tenants, _TENANTS_OF_A_PAGE)
    shown = list(part)
    connected = connected_environments(project)
    visible = Deployment.objects.visible_to(request.actor, request.space, Permission.DeploymentView)
    mine = Q(tenant_number__in=[row.pk for row in shown]) | Q(tenant_number=None)
    there = current_by_lane(visible.filter(mine), project.pk)
    used = {place for places in connected.values() for place in places}
    used |= {place for _, place in there}
    columns = [row for row in visible_environments(request) if row.pk in used]
    offers = offers_for_tenants(request, project, shown, there)
    rows = [
        TenantRow(
            tenant,
            tuple(
                Cell(
                    place.pk,
                    there.get((tenant.pk, place.pk)),
                    offers.get((tenant.pk, place.pk), ""),
                )
                if place.pk in connected.get(tenant.pk, ()) or (tenant.pk, place.pk) in there
                else None
                for place in columns
            ),
        )
        for tenant in shown
    ]
    nobody = [Cell(place.pk, there.get((None, place.pk))) for place in columns]
    is_first = part.number == 1
    if is_first and (
        tenanted_mode(project).allows_untenanted or any(cell.deployed for cell in nobody)
    ):
        rows.insert(0, TenantRow(None, tuple(nobody)))
    return {
        "page": part,
        "columns": columns,
        "names": {row.pk: row for row in columns},
        "rows": rows if shown else [],
    }
