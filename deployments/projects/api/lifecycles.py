"""Lifecycles on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import RecordField, flag, text, texts
from deployments.base.api.links import space_path
from deployments.base.api.serializers import ResourceSerializer, SpaceResourceSerializer
from deployments.base.finding import find_all
from deployments.infrastructure.models import Environment
from deployments.projects.api.projects import ProjectSerializer, visible_projects
from deployments.projects.models import Lifecycle, Phase, PhaseEnvironment
from deployments.projects.queries import environments_for_phases, phases_of
from deployments.projects.services.lifecycles import (
    KEEP_FOREVER,
    LifecycleInput,
    PhaseInput,
    create_lifecycle,
    delete_lifecycle,
    update_lifecycle,
)


class PhaseSerializer(ResourceSerializer):
    id = text()
    name = serializers.CharField(max_length=200)
    optional_deployment_targets = texts()
    automatic_deployment_targets = texts()
    minimum_environments_before_promotion = serializers.IntegerField(
        min_value=0, max_value=10_000, default=0
    )
    is_optional_phase = flag()
    is_priority_phase = flag()
    release_retention_policy = RecordField(default=None, allow_null=True)
    tentacle_retention_policy = RecordField(default=None, allow_null=True)


class LifecycleSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    slug = text()
    description = text()
    phases = serializers.ListField(child=PhaseSerializer(), write_only=True, default=list)
    release_retention_policy = RecordField(write_only=True, default=None, allow_null=True)
    tentacle_retention_policy = RecordField(write_only=True, default=None, allow_null=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known: dict[int, list[dict[str, Any]]] = {}

    def to_representation(self, instance: Lifecycle) -> dict[str, Any]:
        return {
            **super().to_representation(instance),
            "Phases": self._phases(instance),
            "ReleaseRetentionPolicy": retention(instance.release_retention),
            "TentacleRetentionPolicy": retention(instance.tentacle_retention),
        }

    def get_links(self, row: Lifecycle) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "lifecycles", row.public_id)
        return {"Self": path, "Preview": f"{path}/preview", "Projects": f"{path}/projects"}

    def _phases(self, instance: Lifecycle) -> list[dict[str, Any]]:
        if instance.pk not in self._known:
            rows = getattr(self.parent, "instance", None)
            self._known.update(phase_resources(rows if isinstance(rows, list) else [instance]))
        return self._known[instance.pk]


class LifecycleViewSet(SpaceViewSet[Lifecycle]):
    model = Lifecycle
    serializer_class = LifecycleSerializer
    item_type = "Lifecycle"
    path = "lifecycles"
    view_permission = Permission.LifecycleView
    permission_map = {
        "list": Permission.LifecycleView,
        "all": Permission.LifecycleView,
        "retrieve": Permission.LifecycleView,
        "create": Permission.LifecycleCreate,
        "update": Permission.LifecycleEdit,
        "destroy": Permission.LifecycleDelete,
        "preview": Permission.LifecycleView,
        "projects": Permission.LifecycleView,
    }

    def all(self, request: Request, **ids: Any) -> Response:
        return Response(self.serialized(list(self.filtered(self.get_queryset(), self.query))))

    def create_row(self, data: dict[str, Any]) -> Lifecycle:
        return create_lifecycle(actor=self.actor, space=self.space, lifecycle=self._input(data))

    def update_row(self, row: Lifecycle, data: dict[str, Any]) -> Lifecycle:
        return update_lifecycle(actor=self.actor, row=row, lifecycle=self._input(data, row))

    def destroy_row(self, row: Lifecycle) -> None:
        delete_lifecycle(actor=self.actor, row=row)

    def preview(self, request: Request, **ids: Any) -> Response:
        """Answer with the lifecycle, its implicit phases written out."""
        row = self.get_object()
        [resource] = self.serialized([row])
        resource["Phases"] = [
            {
                "Id": view.id,
                "Name": view.name,
                "OptionalDeploymentTargets": [f"Environments-{n}" for n in view.manual],
                "AutomaticDeploymentTargets": [f"Environments-{n}" for n in view.automatic],
                "MinimumEnvironmentsBeforePromotion": view.minimum,
                "IsOptionalPhase": view.is_optional,
                "IsPriorityPhase": view.is_priority,
                "ReleaseRetentionPolicy": (
                    retention(view.release_retention) if view.release_retention else None
                ),
                "TentacleRetentionPolicy": None,
            }
            for view in phases_of(row)
        ]
        return Response(resource)

    def projects(self, request: Request, **ids: Any) -> Response:
        """List the projects that use the lifecycle; a bare list, as clients expect."""
        row = self.get_object()
        rows = visible_projects(self.actor, self.space).filter(lifecycle=row)
        return Response(ProjectSerializer(rows, many=True, context=self.context()).data)

    def _input(self, data: dict[str, Any], row: Lifecycle | None = None) -> LifecycleInput:
        environments = environments_for_phases(self.actor, self.space, row)
        return LifecycleInput(
            name=data["name"],
            slug=data["slug"],
            description=data["description"],
            phases=[self._phase(phase, environments) for phase in data["phases"]],
            release_retention=data["release_retention_policy"],
            tentacle_retention=data["tentacle_retention_policy"],
        )

    def _phase(self, data: dict[str, Any], environments: "QuerySet[Environment]") -> PhaseInput:
        return PhaseInput(
            id=data["id"],
            name=data["name"],
            manual=find_all(
                environments,
                data["optional_deployment_targets"],
                field="OptionalDeploymentTargets",
            ),
            automatic=find_all(
                environments,
                data["automatic_deployment_targets"],
                field="AutomaticDeploymentTargets",
            ),
            minimum=data["minimum_environments_before_promotion"],
            is_optional=data["is_optional_phase"],
            is_priority=data["is_priority_phase"],
            release_retention=data["release_retention_policy"],
            tentacle_retention=data["tentacle_retention_policy"],
        )


def retention(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a retention policy in both of the wire's shapes; none means forever."""
    policy = {**KEEP_FOREVER, **(stored or {})}
    if stored and "Strategy" not in stored:
        keeps = bool(stored.get("ShouldKeepForever")) or not stored.get("QuantityToKeep")
        policy["Strategy"] = "Forever" if keeps else "Count"
    policy["ShouldKeepForever"] = policy["Strategy"] == "Forever"
    return policy


def phase_resources(rows: Sequence[Lifecycle]) -> dict[int, list[dict[str, Any]]]:
    """Return the stored phases of lifecycles as the wire shows them; two queries."""
    phases = list(Phase.objects.filter(lifecycle__in=rows).order_by("position"))
    links = list(PhaseEnvironment.objects.filter(phase__in=phases).order_by("id"))
    found: dict[int, list[dict[str, Any]]] = {row.pk: [] for row in rows}
    for phase in phases:
        mine = [link for link in links if link.phase_id == phase.pk]
        found[phase.lifecycle_id].append(_phase_resource(phase, mine))
    return found


def _phase_resource(phase: Phase, links: Sequence[PhaseEnvironment]) -> dict[str, Any]:
    def ids(*, automatic: bool) -> list[str]:
        return [f"Environments-{x.environment_id}" for x in links if x.is_automatic is automatic]

    return {
        "Id": phase.guid,
        "Name": phase.name,
        "OptionalDeploymentTargets": ids(automatic=False),
        "AutomaticDeploymentTargets": ids(automatic=True),
        "MinimumEnvironmentsBeforePromotion": phase.minimum_environments,
        "IsOptionalPhase": phase.is_optional,
        "IsPriorityPhase": phase.is_priority,
        "ReleaseRetentionPolicy": (
            retention(phase.release_retention) if phase.release_retention else None
        ),
        "TentacleRetentionPolicy": (
            retention(phase.tentacle_retention) if phase.tentacle_retention else None
        ),
    }
