"""`serverstatus/…` and the licence: what the server tells about itself."""

from typing import Any, ClassVar, Final
from zoneinfo import available_timezones

from django.db import connection
from django.http import HttpResponse
from django.urls import URLPattern, path
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import ApiViewSet
from deployments.access.permissions import Permission
from deployments.access.rules import ANONYMOUS, SIGNED_IN
from deployments.base.api.dates import to_wire
from deployments.base.clock import utc_now
from deployments.base.settings_rows import MAINTENANCE, is_set
from deployments.server_tasks.models import ServerNode
from deployments.server_tasks.queries import OFFLINE_AFTER
from octopus_site.server.information import information
from octopus_site.server.licences import licences
from octopus_site.server.own_logs import own_logs, tail_of
from octopus_site.server.report import system_report

_PATH: Final = "/api/serverstatus"
_MOST_LINES: Final = 1000
# Not operating normally, though nothing is broken.
_AT_REST: Final = 418


class ServerInformationViewSet(ApiViewSet):
    """The state of the server and of its machine."""

    query_names = ("name",)
    permission_map: ClassVar = {
        "health": ANONYMOUS,
        "time_zones": SIGNED_IN,
        "licence": SIGNED_IN,
        "licences": Permission.ConfigureServer,
        "system_info": Permission.AdministerSystem,
        "system_report": Permission.AdministerSystem,
        "logs": Permission.AdministerSystem,
    }

    def health(self, request: Request, **_: Any) -> Response:
        """Answer what load balancers and monitors ask; the database is read for it."""
        with connection.cursor() as sql:
            sql.execute("SELECT 1")
        is_read_only = is_set(MAINTENANCE)
        seen = ServerNode.objects.filter(last_seen__gt=utc_now() - OFFLINE_AFTER)
        draining = list(seen.values_list("is_draining", flat=True))
        is_draining = bool(draining) and all(draining)
        words = ["The server works."]
        words += ["It is in maintenance mode."] if is_read_only else []
        words += ["All of its nodes are drained."] if is_draining else []
        is_normal = not (is_read_only or is_draining)
        return Response(
            {
                "Id": "health",
                "Status": "Healthy",
                "IsOperatingNormally": is_normal,
                "Description": " ".join(words),
                "IsEntireClusterReadOnly": is_read_only,
                "IsEntireClusterDrainingTasks": is_draining,
                "IsCompliantWithLicense": True,
                "Links": {"Self": f"{_PATH}/health"},
            },
            status=200 if is_normal else _AT_REST,
        )

    def system_info(self, request: Request, **_: Any) -> Response:
        """Answer with facts about this process and its machine."""
        self.grants.require_system(Permission.AdministerSystem)
        facts = information()
        return Response(
            {
                "Version": facts.version,
                "InstallationId": facts.installation_id,
                "NodeName": facts.node_name,
                "OSVersion": facts.operating_system,
                "PythonVersion": facts.python,
                "WorkingSetBytes": facts.memory,
                "ThreadCount": facts.threads,
                "ProcessorCount": facts.processors,
                "Started": to_wire(facts.started),
                "Uptime": str(utc_now() - facts.started).partition(".")[0],
                "Database": facts.database,
                "DatabaseBytes": facts.database_size,
                "Redis": facts.redis,
                "Storage": facts.storage,
                "Disks": [
                    {"Folder": each.folder, "TotalBytes": each.total, "FreeBytes": each.free}
                    for each in facts.disks
                ],
                "QueuedTasks": facts.queued,
                "ExecutingTasks": facts.executing,
                "Links": {"Self": f"{_PATH}/system-info"},
            }
        )

    def system_report(self, request: Request, **_: Any) -> HttpResponse:
        """Answer with a ZIP for whoever helps; it has no secrets."""
        content = system_report(actor=self.actor)
        return HttpResponse(content, content_type="application/zip")

    def logs(self, request: Request, **_: Any) -> Response:
        """Answer with the last lines of the processes' logs, newest last; `name` wants one."""
        self.grants.require_system(Permission.AdministerSystem)
        name, known = self.query.text("name"), own_logs()
        wanted = [log.name for log in known] if not name else [name]
        return Response([{"Name": each, "Lines": tail_of(each)[-_MOST_LINES:]} for each in wanted])

    def licences(self, request: Request, **_: Any) -> Response:
        """Answer with every installed package that the server needs, as it describes itself."""
        self.grants.require_system(Permission.ConfigureServer)
        return Response(
            [
                {
                    "Name": each.name,
                    "Version": each.version,
                    "License": each.licence,
                    "Url": each.home or None,
                }
                for each in licences()
            ]
        )

    def time_zones(self, request: Request, **_: Any) -> Response:
        zones = sorted(available_timezones())
        return Response([{"Id": name, "Name": name, "IsLocal": name == "UTC"} for name in zones])

    def licence(self, request: Request, **_: Any) -> Response:
        """Answer that nothing is limited: this program has no licence keys."""
        return Response(
            {
                "Id": "licenses-current-status",
                "IsCompliant": True,
                "ComplianceSummary": "This server is free software without limits.",
                "DoesExpiryBlockKeyActivities": False,
                "PermissionsMode": "Full",
                "Limits": [],
                "Messages": [],
                "Links": {"Self": "/api/licenses/licenses-current-status"},
            }
        )


routes: list[URLPattern] = [
    path("serverstatus/health", ServerInformationViewSet.as_view({"get": "health"})),
    path("serverstatus/system-info", ServerInformationViewSet.as_view({"get": "system_info"})),
    path("serverstatus/system-report", ServerInformationViewSet.as_view({"get": "system_report"})),
    path("serverstatus/logs", ServerInformationViewSet.as_view({"get": "logs"})),
    path("serverstatus/licences", ServerInformationViewSet.as_view({"get": "licences"})),
    path("serverstatus/timezones", ServerInformationViewSet.as_view({"get": "time_zones"})),
    path("licenses/licenses-current-status", ServerInformationViewSet.as_view({"get": "licence"})),
]
