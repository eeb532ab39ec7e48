"""`retentionpolicies`: what a space keeps where a lifecycle names no policy of its own."""

from typing import Any, ClassVar

from django.urls import URLPattern, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import text
from deployments.base.api.links import space_path
from deployments.base.api.serializers import ResourceSerializer
from deployments.base.errors import Invalid, NotFound
from deployments.base.models import Space
from deployments.projects.models import Lifecycle
from deployments.projects.retention import RetentionPolicy, policy_to_json
from deployments.projects.services.retention_defaults import (
    DEFAULTS,
    RELEASES,
    RUNS,
    TARGETS,
    retention_defaults,
    save_retention_defaults,
)

# Kind -> the beginning of its id, its name.
_KINDS = {
    RELEASES: ("LifecycleReleaseRetentionDefault", "Releases of lifecycles"),
    TARGETS: ("LifecycleTentacleRetentionDefault", "Files on targets"),
    RUNS: ("RunbookRetentionDefault", "Runs of runbooks"),
}


class RetentionSerializer(ResourceSerializer):
    """What a client sends."""

    strategy = text()
    quantity_to_keep = serializers.IntegerField(default=0, allow_null=True)
    unit = text(default="Items", allow_null=True)


class RetentionPolicyViewSet(SpaceViewSet[Lifecycle]):
    """One policy for each kind of thing. With `RetentionType` the list is that one alone."""

    model = Lifecycle
    path = "retentionpolicies"
    view_permission = Permission.LifecycleView
    permission_map: ClassVar = {
        "list": Permission.LifecycleView,
        "retrieve": Permission.LifecycleView,
        "update": Permission.RetentionAdminister,
    }

    def check(self, permission: Permission) -> None:
        self.grants.require(permission)

    def list(self, request: Request, **ids: Any) -> Response:
        """Answer with all of them, or with the one of the type that is asked for."""
        found = retention_defaults(self.space)
        kind = self.query.text("RetentionType")
        if not kind:
            return Response([_resource(self.space, name, found[name]) for name in DEFAULTS])
        if kind not in found:
            raise Invalid(f"RetentionType must be one of {', '.join(DEFAULTS)}.")
        return Response(_resource(self.space, kind, found[kind]))

    def retrieve(self, request: Request, **ids: Any) -> Response:
        """Answer with one of them."""
        kind = self._kind()
        return Response(_resource(self.space, kind, retention_defaults(self.space)[kind]))

    def update(self, request: Request, **ids: Any) -> Response:
        """Change one of them."""
        kind = self._kind()
        sent = RetentionSerializer(context={"actor": self.actor}).read(request.data)
        document = {
            "Strategy": sent["strategy"],
            "QuantityToKeep": sent["quantity_to_keep"],
            "Unit": sent["unit"],
        }
        saved = save_retention_defaults(
            actor=self.actor, space=self.space, policies={kind: document}
        )
        return Response(_resource(self.space, kind, saved[kind]))

    def _kind(self) -> str:
        wanted = self.kwargs["id"].lower()
        for kind in DEFAULTS:
            if _id(self.space, kind).lower() == wanted:
                return kind
        raise NotFound


def _id(space: Space, kind: str) -> str:
    return f"{_KINDS[kind][0]}-{space.public_id}"


def _resource(space: Space, kind: str, policy: RetentionPolicy) -> dict[str, Any]:
    public_id = _id(space, kind)
    return {
        "Id": public_id,
        "SpaceId": space.public_id,
        "Name": _KINDS[kind][1],
        "RetentionType": kind,
        **policy_to_json(policy),
        "Links": {"Self": space_path(space, f"retentionpolicies/{public_id}")},
    }


routes: list[URLPattern] = [
    path("retentionpolicies", RetentionPolicyViewSet.as_view({"get": "list"})),
    path(
        "retentionpolicies/<str:id>",
        RetentionPolicyViewSet.as_view({"get": "retrieve", "put": "update"}),
    ),
]
