"""`logsettings`: when task logs are archived and how much a script may print; our own resource."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import ApiViewSet
from deployments.access.permissions import Permission
from deployments.base.api.serializers import ResourceSerializer
from deployments.execution.services.logs.settings import (
    LogSettings,
    log_settings,
    save_log_settings,
)

_PATH = "/api/logsettings"


class LogSettingsSerializer(ResourceSerializer):
    """What a client sends; what it leaves out stays."""

    wire_names: ClassVar = {"largest_output_mib": "LargestOutputMiB"}

    archive_after_days = serializers.IntegerField(required=False)
    largest_output_mib = serializers.IntegerField(required=False)


class LogSettingsViewSet(ApiViewSet):
    """One resource of the server."""

    permission_map: ClassVar = {
        "retrieve": Permission.ConfigureServer,
        "update": Permission.ConfigureServer,
    }

    def retrieve(self, request: Request, **ids: Any) -> Response:
        """Answer with the settings."""
        self.grants.require_system(Permission.ConfigureServer)
        return Response(_resource(log_settings()))

    def update(self, request: Request, **ids: Any) -> Response:
        """Change the settings."""
        self.grants.require_system(Permission.ConfigureServer)
        sent = LogSettingsSerializer(context={"actor": self.actor}).read(request.data)
        before = log_settings()
        wanted = LogSettings(
            archive_after_days=sent.get("archive_after_days", before.archive_after_days),
            largest_output_mib=sent.get("largest_output_mib", before.largest_output_mib),
        )
        return Response(_resource(save_log_settings(actor=self.actor, settings=wanted)))


def _resource(settings: LogSettings) -> dict[str, Any]:
    return {
        "Id": "logsettings",
        "ArchiveAfterDays": settings.archive_after_days,
        "LargestOutputMiB": settings.largest_output_mib,
        "Links": {"Self": _PATH},
    }
