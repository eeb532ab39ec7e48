"""Machine policies on the wire; clients check their values when they read them."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import text
from deployments.base.api.links import space_path, with_query
from deployments.base.api.paging import cut, envelope
from deployments.base.api.parsers import fields_of
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.infrastructure.api.machines import MachineSerializer
from deployments.infrastructure.api.workers import WorkerSerializer
from deployments.infrastructure.models import Machine, MachinePolicy, Worker
from deployments.infrastructure.queries import visible_environment_numbers
from deployments.infrastructure.services.policies import (
    DEFAULTS,
    create_machine_policy,
    delete_machine_policy,
    policy_document,
    update_machine_policy,
)


class MachinePolicySerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    description = text()
    is_default = serializers.BooleanField(read_only=True)

    def to_representation(self, instance: MachinePolicy) -> dict[str, Any]:
        return {**super().to_representation(instance), **policy_document(instance.document)}

    def get_links(self, row: MachinePolicy) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "machinepolicies", row.public_id)
        return {
            "Self": path,
            "Machines": with_query(f"{path}/machines", "skip", "take"),
            "Workers": with_query(f"{path}/workers", "skip", "take"),
        }


class MachinePolicyViewSet(SpaceViewSet[MachinePolicy]):
    model = MachinePolicy
    serializer_class = MachinePolicySerializer
    item_type = "MachinePolicy"
    path = "machinepolicies"
    view_permission = Permission.MachinePolicyView
    permission_map = {
        "list": Permission.MachinePolicyView,
        "all": Permission.MachinePolicyView,
        "retrieve": Permission.MachinePolicyView,
        "create": Permission.MachinePolicyCreate,
        "update": Permission.MachinePolicyEdit,
        "destroy": Permission.MachinePolicyDelete,
        "template": Permission.MachinePolicyView,
        "machines": Permission.MachinePolicyView,
        "workers": Permission.MachinePolicyView,
    }

    def create_row(self, data: dict[str, Any]) -> MachinePolicy:
        return create_machine_policy(
            actor=self.actor, space=self.space, document=self._document(), **data
        )

    def update_row(self, row: MachinePolicy, data: dict[str, Any]) -> MachinePolicy:
        return update_machine_policy(
            actor=self.actor, policy=row, document=self._document(), **data
        )

    def destroy_row(self, row: MachinePolicy) -> None:
        delete_machine_policy(actor=self.actor, policy=row)

    def template(self, request: Request, **ids: Any) -> Response:
        """Answer with a policy that is not stored, filled with the defaults."""
        return Response(
            {
                "Id": None,
                "SpaceId": self.space.public_id,
                "Name": None,
                "Description": "",
                "IsDefault": False,
                **policy_document({}),
                "Links": {},
            }
        )

    def machines(self, request: Request, **ids: Any) -> Response:
        """List the targets that follow the policy, among those that the caller sees."""
        rows = Machine.objects.visible_to(self.actor, self.space, Permission.MachineView)
        return self._users("Machine", "machines", MachineSerializer, rows)

    def workers(self, request: Request, **ids: Any) -> Response:
        """List the workers that follow the policy."""
        rows = Worker.objects.visible_to(self.actor, self.space, Permission.WorkerView)
        return self._users("Worker", "workers", WorkerSerializer, rows)

    def _users(
        self, item_type: str, name: str, serializer: type[Any], rows: "QuerySet[Any]"
    ) -> Response:
        policy = self.get_object()
        page = cut(rows.filter(policy=policy).select_related("agent__upgrade"), self.query)
        context = {
            **self.context(),
            "visible_environments": visible_environment_numbers(self.actor, self.space),
        }
        items = serializer(page.rows, many=True, context=context).data
        path = f"{self.base_path()}/{policy.public_id}/{name}"
        return Response(
            envelope(page, list(items), item_type=item_type, path=path, query=self.query)
        )

    def _document(self) -> dict[str, Any]:
        names = {name.lower(): name for name in DEFAULTS}
        return {
            names[name]: value
            for name, value in fields_of(self.request.data).items()
            if name in names and value is not None
        }
