"""What clients ask before they create: release templates, promotions, previews, snapshots."""

from collections.abc import Iterable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.links import space_path
from deployments.base.api.parsers import fields_of
from deployments.base.errors import Invalid, NotFound
from deployments.base.finding import find
from deployments.infrastructure.models import Environment
from deployments.projects.queries import process_of
from deployments.releases.api.plans import plan_resource
from deployments.releases.api.releases import ReleaseSerializer, with_parts
from deployments.releases.changes.queries import (
    changes_between,
    changes_resource,
    current_release,
)
from deployments.releases.changes.template import coming_changes
from deployments.releases.models import Release
from deployments.releases.preview import PlannedAction, Target
from deployments.releases.prompts import Prompt, prompts_for
from deployments.releases.queries import progression_of
from deployments.releases.services.choices import uses_guided_failure
from deployments.releases.services.exact_plan import coming_deployment, plan_of_coming
from deployments.releases.services.planning import machines_there, plan_of
from deployments.releases.tenancy.standings import standings
from deployments.releases.variables import library_is_modified
from tenants.models import Tenant
from tenants.queries import tenant_scope, tenanted_mode


class DeploymentTemplateViewSet(SpaceViewSet[Release]):
    """Below a release: where it may go and what would happen there."""

    model = Release
    serializer_class = ReleaseSerializer
    item_type = "DeploymentTemplate"
    path = "releases"
    name_field = ""
    slug_field = ""
    view_permission = Permission.ReleaseView
    permission_map = {
        "template": Permission.ReleaseView,
        "preview": Permission.ReleaseView,
        "previews": Permission.ReleaseView,
    }

    def get_queryset(self) -> Any:
        return with_parts(super().get_queryset())

    def template(self, request: Request, **ids: Any) -> Response:
        """Say to which environments the actor may deploy the release now."""
        release = self.get_object()
        progression = progression_of(release)
        path = space_path(self.space, "releases", release.public_id, "deployments")
        rows = Environment.objects.visible_to(self.actor, self.space, Permission.EnvironmentView)
        promotions = [
            {
                "Id": row.public_id,
                "Name": row.name,
                "Links": {"Preview": f"{path}/preview/{row.public_id}"},
            }
            for row in rows
            if tenanted_mode(release.project).allows_untenanted
            and progression.may_deploy_to(row.pk)
            and self._may_deploy(release, row)
        ]
        project = release.project
        variable_set = project.variable_set
        return Response(
            {
                "Id": f"{release.public_id}-template",
                "PromoteTo": promotions,
                "TenantPromotions": self._tenant_promotions(release, list(rows), path),
                "IsDeploymentProcessModified": process_of(project).version
                != release.process_snapshot.version,
                "IsVariableSetModified": variable_set is not None
                and variable_set.version != release.variable_snapshot.version,
                "IsLibraryVariableSetModified": library_is_modified(release),
                "DeploymentNotes": None,
                "Links": {"Self": f"{path}/template"},
            }
        )

    def preview(self, request: Request, **ids: Any) -> Response:
        """Say what a deployment to one environment would do."""
        tenant = str(ids.get("tenant") or "")
        return Response(self._preview(self.get_object(), str(ids["environment"]), tenant))

    def previews(self, request: Request, **ids: Any) -> Response:
        """Say it for several environments."""
        release = self.get_object()
        wanted = fields_of(request.data).get("deploymentpreviews") or []
        if not isinstance(wanted, list):
            raise Invalid(fields={"DeploymentPreviews": ["A list is expected."]})
        return Response(
            [
                self._preview(
                    release,
                    str(_lower(entry).get("environmentid") or ""),
                    str(_lower(entry).get("tenantid") or ""),
                )
                for entry in wanted
            ]
        )

    def _tenant_promotions(
        self, release: Release, environments: list[Environment], path: str
    ) -> list[dict[str, Any]]:
        if not tenanted_mode(release.project).allows_tenants:
            return []
        promotions = []
        for standing in standings(release, self.actor, Permission.TenantView):
            tenant = standing.tenant
            places = [
                {
                    "Id": row.public_id,
                    "Name": row.name,
                    "Links": {"Preview": f"{path}/preview/{row.public_id}/{tenant.public_id}"},
                }
                for row in environments
                if not standing.why_not
                and standing.progression.may_deploy_to(row.pk)
                and self._may_deploy(release, row, tenant.pk)
            ]
            promotions.append({"Id": tenant.public_id, "Name": tenant.name, "PromoteTo": places})
        return promotions

    def _preview(self, release: Release, text: str, tenant_text: str = "") -> dict[str, Any]:
        rows = Environment.objects.visible_to(self.actor, self.space, Permission.EnvironmentView)
        environment = find(rows, text)
        if environment is None:
            raise NotFound
        tenants = Tenant.objects.visible_to(self.actor, self.space, Permission.TenantView)
        tenant = find(tenants, tenant_text) if tenant_text else None
        if tenant_text and tenant is None:
            raise NotFound
        scope = tenant_scope(tenant)
        prompts = prompts_for(release, environment=environment.public_id, tenant=scope)
        there = machines_there(self.space, environment, self.actor)
        planned = plan_of(release, environment, there=there, tenant=scope)
        current = current_release(release, environment.pk, tenant.pk if tenant else None)
        changes = changes_between(release, current.version if current else None, viewer=self.actor)
        coming = coming_deployment(release, environment, viewer=self.actor, tenant=scope)
        of_tenant = f"-{tenant.public_id}" if tenant else ""
        return {
            "Id": f"{release.public_id}-{environment.public_id}{of_tenant}",
            "StepsToExecute": step_resources(planned),
            "Form": form_resource(prompts),
            "UseGuidedFailureModeByDefault": uses_guided_failure(release, environment, wish=None),
            "Changes": changes_resource(changes),
            "ChangesMarkdown": coming_changes(coming, changes),
            "Plan": plan_resource(plan_of_coming(coming, viewer=self.actor, there=there)),
            "Links": {},
        }

    def _may_deploy(
        self, release: Release, environment: Environment, tenant: int | None = None
    ) -> bool:
        return self.grants.allows(
            Permission.DeploymentCreate,
            project=release.project_id,
            project_group=release.project.group_id,
            environment=environment.pk,
            tenant=tenant,
        )


def _lower(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise Invalid(fields={"DeploymentPreviews": ["An object is expected."]})
    return {str(name).lower(): value for name, value in entry.items()}


def step_resources(actions: Iterable[PlannedAction]) -> list[dict[str, Any]]:
    """Return the steps of a preview; those with the same targets share what is said of them."""
    targets: dict[int, dict[str, Any]] = {}
    steps = []
    for action in actions:
        key = id(action.targets)
        if key not in targets:
            targets[key] = _targets_resource(action)
        steps.append({**_step_resource(action), **targets[key]})
    return steps


def _targets_resource(action: PlannedAction) -> dict[str, Any]:
    return {
        "Machines": [{**_reference(t), "HasLatestCalamari": True} for t in action.targets],
        "MachineNames": [target.name for target in action.targets],
        "UnavailableMachines": [_reference(target) for target in action.unavailable],
    }


def _step_resource(action: PlannedAction) -> dict[str, Any]:
    return {
        "ActionId": action.action_id,
        "ActionName": action.action_name,
        "ActionNumber": action.number,
        "Roles": list(action.roles),
        "CanBeSkipped": action.can_be_skipped,
        "IsDisabled": False,
        "HasNoApplicableMachines": action.has_no_targets,
        "ExcludedMachines": [_reference(target) for target in action.excluded],
    }


def _reference(target: Target) -> dict[str, Any]:
    return {"Id": target.id, "Name": target.name}


def form_resource(prompts: list[Prompt]) -> dict[str, Any]:
    """Return the prompts of a preview."""
    return {
        "Values": {
            prompt.id: None if prompt.is_sensitive else prompt.default for prompt in prompts
        },
        "Elements": [
            {
                "Name": prompt.id,
                "IsValueRequired": prompt.is_required,
                "Control": {
                    "Type": "VariableValue",
                    "Name": prompt.name,
                    "Label": prompt.label,
                    "Description": prompt.description,
                    "IsSecure": prompt.is_sensitive,
                    "DisplaySettings": dict(prompt.display),
                },
            }
            for prompt in prompts
        ],
    }
