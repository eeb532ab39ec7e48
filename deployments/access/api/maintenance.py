"""`maintenanceconfiguration`: who may write now."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import ApiViewSet
from deployments.access.permissions import Permission
from deployments.access.services.maintenance import Maintenance, maintenance, set_maintenance
from deployments.base.api.fields import flag, text
from deployments.base.api.serializers import ResourceSerializer


class MaintenanceSerializer(ResourceSerializer):
    """What a client sends."""

    is_in_maintenance_mode = flag()
    reason = text(allow_null=True)


class MaintenanceViewSet(ApiViewSet):
    """One resource of the server."""

    permission_map: ClassVar = {
        "retrieve": Permission.AdministerSystem,
        "update": Permission.AdministerSystem,
    }

    def retrieve(self, request: Request, **ids: Any) -> Response:
        """Answer whether only administrators may write."""
        self.grants.require_system(Permission.AdministerSystem)
        return Response(_resource(maintenance()))

    def update(self, request: Request, **ids: Any) -> Response:
        """Switch maintenance mode on or off."""
        sent = MaintenanceSerializer(context={"actor": self.actor}).read(request.data)
        state = set_maintenance(
            actor=self.actor, is_on=sent["is_in_maintenance_mode"], reason=sent["reason"] or ""
        )
        return Response(_resource(state))


def _resource(state: Maintenance | None) -> dict[str, Any]:
    return {
        "Id": "maintenance",
        "IsInMaintenanceMode": state is not None,
        "Reason": state.reason if state else "",
        "Links": {"Self": "/api/maintenanceconfiguration"},
    }
