"""`deployments/create/untenanted/v1` and `tenanted/v1`: by names, all of them or none."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import MomentField, flag, text, texts
from deployments.base.api.serializers import ResourceSerializer
from deployments.base.errors import Invalid
from deployments.base.finding import find
from deployments.infrastructure.models import Environment, Machine, MachineEnvironment
from deployments.projects.models import Project
from deployments.releases.api.create_release import named_project
from deployments.releases.api.releases import with_parts
from deployments.releases.models import Deployment, Frozen, Release
from deployments.releases.prompts import given_answers
from deployments.releases.queries import find_release, process_of_release
from deployments.releases.services import (
    DeploymentOptions,
    Place,
    create_deployments,
    update_variables_of_release,
)
from tenants.models import Tenant
from tenants.queries import chosen_tenants, connected_environments, tenants_of_project


class NamedChoicesSerializer(ResourceSerializer):
    """What is chosen by names for a deployment or a runbook run."""

    project_name = serializers.CharField()
    environment_names = texts()
    environment_name = text()
    tenants = texts()
    tenant_tags = texts()
    force_package_download = serializers.BooleanField(default=None, allow_null=True)
    use_guided_failure = serializers.BooleanField(default=None, allow_null=True)
    specific_machine_names = texts()
    excluded_machine_names = texts()
    skip_step_names = texts()
    run_at = MomentField(default=None, allow_null=True)
    no_run_after = MomentField(default=None, allow_null=True)
    variables = serializers.DictField(default=dict)
    comments = text()
    priority = text()


class DeployReleaseSerializer(NamedChoicesSerializer):
    release_version = serializers.CharField()
    force_package_redeployment = flag()
    update_variable_snapshot = flag()
    deployment_freeze_names = texts()
    deployment_freeze_override_reason = text()


class DeployReleaseViewSet(SpaceViewSet[Deployment]):
    model = Deployment
    serializer_class = DeployReleaseSerializer
    item_type = "Deployment"
    path = "deployments"
    view_permission = Permission.DeploymentView
    permission_map = {
        "create": Permission.DeploymentCreate,
        "create_tenanted": Permission.DeploymentCreate,
    }

    def create(self, request: Request, **ids: Any) -> Response:
        """Deploy to environments, without a tenant."""
        return self._created([None])

    def create_tenanted(self, request: Request, **ids: Any) -> Response:
        """Deploy to one environment for tenants named and those whom the tags mean."""
        data = self.read()
        places = named_environments(self, data)
        tenants = named_tenants(self, self._release(data).project, places, data)
        if not tenants:
            words = "Name a tenant or a tag."
            if data["tenant_tags"]:
                words = "No tenant with these tags is connected there."
            raise Invalid(fields={"Tenants": [words]})
        return self._created(tenants)

    def _created(self, tenants: Sequence[Tenant | None]) -> Response:
        data = self.read()
        release = self._release(data)
        environments = named_environments(self, data)
        only = named_machines(self, data["specific_machine_names"])
        without = named_machines(self, data["excluded_machine_names"])
        with transaction.atomic():
            if data["update_variable_snapshot"]:
                update_variables_of_release(actor=self.actor, release=release)
            created = create_deployments(
                actor=self.actor,
                release=release,
                places=[Place(row, tenant) for row in environments for tenant in tenants],
                options=lambda each: named_options(data, release, each.environment, only, without),
            )
        return Response(
            {
                "DeploymentServerTasks": [
                    {"DeploymentId": row.public_id, "ServerTaskId": f"ServerTasks-{row.task_id}"}
                    for row in created
                ]
            },
            status=201,
        )

    def _release(self, data: dict[str, Any]) -> Release:
        project = named_project(self, data["project_name"])
        found = find_release(project, data["release_version"])
        visible = Release.objects.visible_to(self.actor, self.space, Permission.ReleaseView)
        row = with_parts(visible).filter(pk=found.pk).first() if found else None
        if row is None:
            raise Invalid(
                fields={
                    "ReleaseVersion": [
                        f"The project '{project.name}' has no release '{data['release_version']}'."
                    ]
                }
            )
        return row


def named_environments(view: SpaceViewSet[Any], data: dict[str, Any]) -> list[Environment]:
    """Return the environments that the body names; raises Invalid."""
    names = [name for name in (*data["environment_names"], data["environment_name"]) if name]
    if not names:
        raise Invalid(fields={"EnvironmentNames": ["EnvironmentNames is required."]})
    rows = Environment.objects.visible_to(view.actor, view.space, Permission.EnvironmentView)
    found = _named(rows, names, "EnvironmentNames", "environment")
    return list({row.pk: row for row in found}.values())


def named_machines(view: SpaceViewSet[Any], names: list[str]) -> list[Machine]:
    """Return the targets of these names; raises Invalid."""
    rows = Machine.objects.visible_to(view.actor, view.space, Permission.MachineView)
    return _named(rows, names, "SpecificMachineNames", "deployment target")


def named_tenants(
    view: SpaceViewSet[Any], project: Project, places: list[Environment], data: dict[str, Any]
) -> list[Tenant]:
    """Return the tenants that the body names and those whom its tags mean; raises Invalid."""
    rows = Tenant.objects.visible_to(view.actor, view.space, Permission.TenantView)
    named = _named(rows, data["tenants"], "Tenants", "tenant")
    meant = []
    if tags := data["tenant_tags"]:
        connected = tenants_of_project(view.actor, project, Permission.TenantView)
        there = connected_environments(project)
        meant = [
            row
            for row in chosen_tenants(connected, view.space, tenants=(), tags=tags)
            if all(place.pk in there[row.pk] for place in places)
        ]
    return list({row.pk: row for row in (*named, *meant)}.values())


def named_options(
    data: dict[str, Any],
    frozen: Frozen,
    environment: Environment,
    only: list[Machine],
    without: list[Machine],
) -> DeploymentOptions:
    """Return the choices in one environment; raises Invalid."""
    chosen = _in_environment(only, environment)
    if only and not chosen:
        names = ", ".join(machine.name for machine in only)
        raise Invalid(f"None of {names} is in the environment '{environment.name}'.")
    return DeploymentOptions(
        comments=data["comments"],
        skip_actions=_skipped(frozen, environment, data["skip_step_names"]),
        specific_machines=chosen,
        excluded_machines=_in_environment(without, environment),
        force_package_download=data["force_package_download"],
        force_package_redeployment=data.get("force_package_redeployment", False),
        use_guided_failure=data["use_guided_failure"],
        form_values=given_answers(data["variables"]),
        not_before=data["run_at"],
        expires=data["no_run_after"],
        priority=data["priority"] or "LifecycleDefault",
        freeze_reason=data.get("deployment_freeze_override_reason", ""),
        freeze_names=tuple(data.get("deployment_freeze_names", ())),
    )


def _skipped(frozen: Frozen, environment: Environment, names: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the actions that the names of steps or actions mean and that apply."""
    ids = []
    actions = list(process_of_release(frozen).actions())
    for name in names:
        wanted = name.strip().lower()
        found = [
            action
            for step, action in actions
            if wanted in {text.lower() for text in (step.name, action.name, step.id, action.id)}
        ]
        if not found:
            raise Invalid(fields={"SkipStepNames": [f"There is no step named '{name}'."]})
        ids += [
            action.id
            for action in found
            if action.applies_to(environment=environment.public_id, channel=frozen.channel_scope)
        ]
    return tuple(dict.fromkeys(ids))


def _in_environment(machines: list[Machine], environment: Environment) -> tuple[str, ...]:
    if not machines:
        return ()
    links = MachineEnvironment.objects.filter(environment=environment)
    here = set(links.values_list("machine_id", flat=True))
    return tuple(machine.public_id for machine in machines if machine.pk in here)


def _named(rows: "QuerySet[Any]", names: Iterable[str], field: str, kind: str) -> list[Any]:
    found, errors = [], []
    for name in names:
        row = find(rows, name)
        if row is None:
            errors.append(f"The {kind} '{name}' does not exist or you may not see it.")
        else:
            found.append(row)
    if errors:
        raise Invalid(fields={field: errors})
    return found
