"""The dashboard of a tenant: its projects by environments."""

from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.web.forms import page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.infrastructure.models import Environment
from deployments.insights.tenants import rows_of_tenant
from tenants.queries import connections_of
from tenants.web.frames import tenant_frame, tenant_of_page

_PROJECTS_OF_A_PAGE = 25


@require_GET
@page(Permission.TenantView)
def tenant_dashboard(request: PageRequest, tenant: str) -> HttpResponse:
    """Show which release of each project the tenant has in each environment, and what is next."""
    row = tenant_of_page(request, tenant)
    connected = connections_of([row.pk])[row.pk]
    used = {environment for places in connected.values() for environment in places}
    seen = Environment.objects.visible_to(request.actor, request.space, Permission.EnvironmentView)
    columns = [place for place in seen if place.pk in used]
    rows = rows_of_tenant(
        request.actor, request.space, request.grants, row, [place.pk for place in columns]
    )
    part = page_of(request, rows, _PROJECTS_OF_A_PAGE)
    values: dict[str, Any] = {
        **tenant_frame(request, row),
        "page": part,
        "columns": columns,
        "names": {place.pk: place for place in columns},
        "groups": [
            (name, list(found))
            for name, found in groupby(part, key=lambda each: each.project.heading)
        ],
        "deploys_for": row.public_id,
    }
    if request.headers.get("HX-Target") == "board":
        return show(request, "insights/_board.html", values)
    return show(request, "insights/tenant.html", values)
