"""Where a snapshot may run and what a run would do, in the form of the wire."""

from collections.abc import Mapping
from typing import Any

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.errors import NotFound
from deployments.base.finding import find
from deployments.infrastructure.models import Environment
from deployments.projects.models import Runbook
from deployments.releases.api.templates import form_resource, step_resources
from deployments.releases.models import RunbookSnapshot
from deployments.releases.prompts import prompts_for
from deployments.releases.services.choices import uses_guided_failure
from deployments.releases.services.planning import plan_of
from deployments.releases.services.runbook_runs import reasons_not_run
from deployments.releases.variables import library_is_modified
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
        "StepsToExecute": step_resources(planned),
        "Form": form_resource(prompts),
        "UseGuidedFailureModeByDefault": uses_guided_failure(snapshot, environment, wish=None),
        "Links": {},
    }


def run_template_resource(
    view: SpaceViewSet[Any], snapshot: RunbookSnapshot, path: str
) -> dict[str, Any]:
    """Say where the snapshot may run, and what has changed since; `path` is that of runs."""
    runbook = snapshot.runbook
    variable_set = runbook.project.variable_set
    return {
        "Id": f"{path.split('/')[-2]}-template",
        "PromoteTo": [
            {
                "Id": place.public_id,
                "Name": place.name,
                "Links": {"Preview": f"{path}/preview/{place.public_id}"},
            }
            for place in places_of_runbook(view, runbook)
            if view.grants.allows(
                Permission.RunbookRunCreate,
                project=runbook.project_id,
                project_group=runbook.project.group_id,
                environment=place.pk,
            )
        ],
        "TenantPromotions": [],
        "IsRunbookProcessModified": runbook.process.version != snapshot.process_snapshot.version,
        "IsVariableSetModified": variable_set is not None
        and variable_set.version != snapshot.variable_snapshot.version,
        "IsLibraryVariableSetModified": library_is_modified(snapshot),
        "Links": {},
    }


def places_of_runbook(view: SpaceViewSet[Any], runbook: Runbook) -> list[Environment]:
    """Return the environments in which the runbook may run."""
    rows = Environment.objects.visible_to(view.actor, view.space, Permission.EnvironmentView)
    places = list(rows)
    reasons = reasons_not_run(runbook, places)
    return [place for place in places if not reasons[place.pk]]
