"""What a run would do, in the form of the wire."""

from collections.abc import Mapping
from typing import Any

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.errors import NotFound
from deployments.base.finding import find
from deployments.infrastructure.models import Environment
from deployments.releases.api.templates import form_resource, step_resource
from deployments.releases.models import RunbookSnapshot
from deployments.releases.prompts import prompts_for
from deployments.releases.services.choices import uses_guided_failure
from deployments.releases.services.planning import plan_of
from tenants.models import Tenant
from tenants.queries import tenant_scope


def preview_resource(
    view: SpaceViewSet[Any], snapshot: RunbookSnapshot, ids: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the steps and the prompts of a run; `ids` has environment and perhaps tenant."""
    rows = Environment.objects.visible_to(view.actor, view.space, Permission.EnvironmentView)
    environment = find(rows, str(ids["environment"]))
    tenants = Tenant.objects.visible_to(view.actor, view.space, Permission.TenantView)
    wanted = str(ids.get("tenant") or "")
    tenant = find(tenants, wanted) if wanted else None
    if environment is None or (wanted and tenant is None):
        raise NotFound
    scope = tenant_scope(tenant)
    prompts = prompts_for(snapshot, environment=environment.public_id, tenant=scope)
    planned = plan_of(snapshot, environment, tenant=scope, viewer=view.actor)
    return {
        "Id": f"{snapshot.public_id}-{environment.public_id}",
        "StepsToExecute": [step_resource(action) for action in planned],
        "Form": form_resource(prompts),
        "UseGuidedFailureModeByDefault": uses_guided_failure(snapshot, environment, wish=None),
        "Links": {},
    }
