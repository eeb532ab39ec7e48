"""Deployments: lists, one of them, creating by ids."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.fields import MomentField, PublicIdField, flag, text, texts
from deployments.base.api.query import Query
from deployments.base.api.serializers import ResourceSerializer
from deployments.base.finding import find_one
from deployments.infrastructure.models import Environment
from deployments.releases.api.releases import with_parts
from deployments.releases.api.resources import deployment_resource
from deployments.releases.changes.queries import (
    changes_of,
    changes_resource,
)
from deployments.releases.changes.template import changes_text
from deployments.releases.models import Deployment, Release, RunbookRun
from deployments.releases.prompts import given_answers
from deployments.releases.services import DeploymentOptions, create_deployment
from deployments.server_tasks.states import TaskState
from tenants.models import Tenant

R = TypeVar("R", Deployment, RunbookRun)

RUN_FILTERS = {
    "projects": ("Projects", "project"),
    "environments": ("Environments", "environment"),
    "tenants": ("Tenants", "tenant_number"),
}
_FILTERS = {
    **RUN_FILTERS,
    "channels": ("Channels", "channel"),
    "releases": ("Releases", "release"),
}


class ChoicesSerializer(ResourceSerializer):
    """What is chosen by ids for a deployment or a runbook run."""

    environment_id = PublicIdField()
    tenant_id = PublicIdField()
    comments = text()
    skip_actions = texts()
    specific_machine_ids = texts()
    excluded_machine_ids = texts()
    specific_target_tag_ids = texts()
    excluded_target_tag_ids = texts()
    force_package_download = serializers.BooleanField(default=None, allow_null=True)
    use_guided_failure = serializers.BooleanField(default=None, allow_null=True)
    form_values = serializers.DictField(default=dict)
    queue_time = MomentField(default=None, allow_null=True)
    queue_time_expiry = MomentField(default=None, allow_null=True)
    priority = text()


class DeploymentSerializer(ChoicesSerializer):
    release_id = PublicIdField()
    force_package_redeployment = flag()
    deployment_freeze_names = texts()
    deployment_freeze_override_reason = text()

    def to_representation(self, instance: Deployment) -> dict[str, Any]:
        return deployment_resource(instance)


class DeploymentViewSet(SpaceViewSet[Deployment]):
    model = Deployment
    serializer_class = DeploymentSerializer
    item_type = "Deployment"
    path = "deployments"
    name_field = ""
    query_names = (
        "skip",
        "take",
        "ids",
        "projects",
        "environments",
        "tenants",
        "channels",
        "taskState",
    )
    view_permission = Permission.DeploymentView
    permission_map = {
        "list": Permission.DeploymentView,
        "retrieve": Permission.DeploymentView,
        "create": Permission.DeploymentCreate,
    }

    def get_queryset(self) -> QuerySet[Deployment]:
        rows = super().get_queryset().defer("release__process_snapshot__steps")
        return rows.select_related("task", "environment", "release__process_snapshot")

    def filtered(self, rows: QuerySet[Deployment], query: Query) -> QuerySet[Deployment]:
        rows = super().filtered(rows, query)
        return filtered_runs(rows, query, _FILTERS)

    def retrieve(self, request: Request, **ids: Any) -> Response:
        """Show one; what it brought is read for one alone."""
        row = self.get_object()
        changes = changes_of(row, viewer=self.actor)
        return Response(
            {
                **deployment_resource(row),
                "Changes": changes_resource(changes),
                "ChangesMarkdown": changes_text(row, changes, viewer=self.actor),
            }
        )

    def create(self, request: Request, **ids: Any) -> Response:
        data = self.read()
        visible = Release.objects.visible_to(self.actor, self.space, Permission.ReleaseView)
        environments = Environment.objects.visible_to(
            self.actor, self.space, Permission.EnvironmentView
        )
        tenants = Tenant.objects.visible_to(self.actor, self.space, Permission.TenantView)
        wanted = data["tenant_id"]
        deployment = create_deployment(
            actor=self.actor,
            release=find_one(with_parts(visible), data["release_id"], field="ReleaseId"),
            environment=find_one(environments, data["environment_id"], field="EnvironmentId"),
            tenant=find_one(tenants, wanted, field="TenantId") if wanted else None,
            options=replace(
                choices_of(data),
                force_package_redeployment=data["force_package_redeployment"],
                freeze_reason=data["deployment_freeze_override_reason"],
                freeze_names=tuple(data["deployment_freeze_names"]),
            ),
        )
        return Response(deployment_resource(deployment), status=201)


def choices_of(data: dict[str, Any]) -> DeploymentOptions:
    """Return what was chosen by ids."""
    return DeploymentOptions(
        comments=data["comments"],
        skip_actions=tuple(data["skip_actions"]),
        specific_machines=tuple(data["specific_machine_ids"]),
        excluded_machines=tuple(data["excluded_machine_ids"]),
        specific_tags=tuple(data["specific_target_tag_ids"]),
        excluded_tags=tuple(data["excluded_target_tag_ids"]),
        force_package_download=data["force_package_download"],
        use_guided_failure=data["use_guided_failure"],
        form_values=given_answers(data["form_values"]),
        not_before=data["queue_time"],
        expires=data["queue_time_expiry"],
        priority=data["priority"] or "LifecycleDefault",
    )


def filtered_runs(
    rows: "QuerySet[R]", query: Query, filters: Mapping[str, tuple[str, str]]
) -> "QuerySet[R]":
    """Return the deployments or runs of what the query names and in the states it names."""
    for name, (prefix, field) in filters.items():
        if wanted := query.texts(name):
            numbers = [public_ids.parse(prefix, text) for text in wanted]
            rows = rows.filter(**{f"{field}__in": [n for n in numbers if n is not None]})
    if states := query.texts("taskState"):
        if TaskState.EXECUTING in states:
            states.append(TaskState.PAUSED)
        rows = rows.filter(task__state__in=states)
    return rows
