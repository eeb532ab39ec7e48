"""The root documents and what the server tells about itself."""

from typing import Any, ClassVar

from django.urls import URLPattern, path
from rest_framework.request import Request
from rest_framework.response import Response

from agent.version import VERSION
from deployments.access.api.viewsets import ApiViewSet
from deployments.access.rules import ANONYMOUS, SIGNED_IN
from deployments.access.spaces import space_by_id, visible_spaces
from deployments.base.errors import NotFound
from deployments.base.settings_rows import MAINTENANCE, get_setting, is_set
from octopus_site.api.configuration import routes as configuration_routes
from octopus_site.api.links import space_links, system_links
from octopus_site.api.server import routes as server_routes
from octopus_site.seed import INSTALLATION_ID

# What clients of Octopus compare; the version of this program stands beside it.
ANNOUNCED_VERSION = "2025.3.14532"
API_VERSION = "3.0.0"


class RootViewSet(ApiViewSet):
    """`/api` and `/api/Spaces-1`."""

    permission_map: ClassVar = {"root": ANONYMOUS, "space_root": SIGNED_IN, "unknown": ANONYMOUS}

    def root(self, request: Request) -> Response:
        return Response(_document(system_links()))

    def space_root(self, request: Request, space: str) -> Response:
        found = space_by_id(space)
        if found is None or not visible_spaces(self.actor).filter(pk=found.pk).exists():
            raise NotFound
        return Response(_document(space_links(found.public_id)))

    def unknown(self, request: Request, **_: Any) -> Response:
        raise NotFound("There is no such resource at this path.")


class ServerViewSet(ApiViewSet):
    """Capabilities, feature toggles and the state of the server."""

    permission_map: ClassVar = {
        "capabilities": SIGNED_IN,
        "feature_toggles": SIGNED_IN,
        "status": SIGNED_IN,
    }

    def capabilities(self, request: Request, **_: Any) -> Response:
        return Response({"Capabilities": ["GetAllSpacesRequest"]})

    def feature_toggles(self, request: Request, **_: Any) -> Response:
        return Response({"FeatureToggles": []})

    def status(self, request: Request, **_: Any) -> Response:
        return Response(
            {
                "Version": VERSION,
                "AnnouncedVersion": ANNOUNCED_VERSION,
                "IsInMaintenanceMode": is_set(MAINTENANCE),
                "IsDatabaseEncrypted": True,
                "Links": {
                    "Self": "/api/serverstatus",
                    "Health": "/api/serverstatus/health",
                    "SystemInfo": "/api/serverstatus/system-info",
                    "SystemReport": "/api/serverstatus/system-report",
                    "Licences": "/api/serverstatus/licences",
                    "Timezones": "/api/serverstatus/timezones",
                },
            }
        )


def _document(links: dict[str, str]) -> dict[str, Any]:
    return {
        "Application": "Octopus Deploy",
        "Version": ANNOUNCED_VERSION,
        "ApiVersion": API_VERSION,
        "InstallationId": get_setting(INSTALLATION_ID),
        "ServerVersion": VERSION,
        "IsEarlyAccessProgram": False,
        "HasLongTermSupport": False,
        "Links": links,
    }


_VERBS = ("get", "post", "put", "delete", "patch")

root_view = RootViewSet.as_view({"get": "root"})
space_root_view = RootViewSet.as_view({"get": "space_root"})
unknown_view = RootViewSet.as_view(dict.fromkeys(_VERBS, "unknown"))

routes: list[URLPattern] = [
    path("capabilities", ServerViewSet.as_view({"get": "capabilities"})),
    path("configuration/feature-toggles", ServerViewSet.as_view({"get": "feature_toggles"})),
    path("serverstatus", ServerViewSet.as_view({"get": "status"})),
    *configuration_routes,
    *server_routes,
]
