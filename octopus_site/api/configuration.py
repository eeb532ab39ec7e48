"""`serverconfiguration`: the address of the server, and the task cap of nodes that are new."""

from typing import Any, ClassVar, Final

from django.conf import settings
from django.urls import URLPattern, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import ApiViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import text
from deployments.base.api.serializers import ResourceSerializer
from deployments.base.errors import Invalid
from deployments.server_tasks.services import default_task_cap, set_default_task_cap

_PATH: Final = "/api/serverconfiguration"


class ServerConfigurationSerializer(ResourceSerializer):
    """What a client sends; what is left out stays as it is."""

    server_uri = text(allow_null=True)
    default_task_cap = serializers.IntegerField(default=None, allow_null=True)


class ServerConfigurationViewSet(ApiViewSet):
    """One resource of the server; its address comes from the environment."""

    permission_map: ClassVar = {
        "retrieve": Permission.ConfigureServer,
        "update": Permission.ConfigureServer,
    }

    def retrieve(self, request: Request, **ids: Any) -> Response:
        """Answer with the configuration."""
        self.grants.require_system(Permission.ConfigureServer)
        return Response(_resource())

    def update(self, request: Request, **ids: Any) -> Response:
        """Change the task cap of nodes that are new."""
        self.grants.require_system(Permission.ConfigureServer)
        sent = ServerConfigurationSerializer(context={"actor": self.actor}).read(request.data)
        address = (sent["server_uri"] or "").rstrip("/")
        if address and address != settings.OCTOPUS.server_url:
            words = "The address of the server is set by OCTOPUS_SERVER_URL."
            raise Invalid(fields={"ServerUri": [words]})
        if sent["default_task_cap"] is not None:
            set_default_task_cap(actor=self.actor, task_cap=sent["default_task_cap"])
        return Response(_resource())


def _resource() -> dict[str, Any]:
    return {
        "Id": "server",
        "ServerUri": settings.OCTOPUS.server_url,
        "DefaultTaskCap": default_task_cap(),
        "Links": {"Self": _PATH},
    }


routes: list[URLPattern] = [
    path(
        "serverconfiguration",
        ServerConfigurationViewSet.as_view({"get": "retrieve", "put": "update"}),
    ),
]
