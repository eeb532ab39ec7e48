"""What every template may read."""

from typing import Any

from django.http import HttpRequest

from deployments.access.grants import Grants, load_grants
from deployments.access.permissions import Permission
from deployments.access.services.maintenance import maintenance
from deployments.access.spaces import is_maintained
from deployments.access.web.administration import administration_places
from deployments.access.web.csrf import token_of_request

# A place is shown to those who hold one of its permissions; (label, path below the space, ...).
_NAVIGATION = (
    ("Dashboard", "dashboard", "dashboard", ()),
    ("Projects", "projects", "projects", (Permission.ProjectView,)),
    ("Tenants", "tenants", "tenants", (Permission.TenantView,)),
    ("Tasks", "tasks", "tasks", (Permission.TaskView,)),
    ("Insights", "insights", "insights", (Permission.DeploymentView,)),
    (
        "Infrastructure",
        "infrastructure",
        "infrastructure/targets",
        (Permission.MachineView, Permission.EnvironmentView, Permission.WorkerView),
    ),
    ("Packages", "packages", "packages", (Permission.FeedView,)),
    (
        "Administration",
        "administration",
        "administration",
        (Permission.EventView, Permission.TeamView),
    ),
)

# What else belongs to a place, by the place.
_ALSO = {"packages": ("feeds",)}


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the names for templates.

    actor, space, base (the space's address), navigation, theme, request_id, csrf_token, and
    maintenance while the server is in that mode.
    """
    space = getattr(request, "space", None)
    base = f"/app/{space.public_id}" if space else "/app"
    return {
        "actor": getattr(request, "actor", None),
        "space": space,
        "base": base,
        "navigation": _navigation(request, base) if space else [],
        "administration": _administration(request, base) if space else [],
        "maintenance": maintenance() if space and is_maintained(space) else None,
        "theme": getattr(getattr(request, "known_user", None), "theme", "auto"),
        "request_id": getattr(request, "request_id", ""),
        "csrf_token": token_of_request(request),
    }


def _administration(request: HttpRequest, base: str) -> list[tuple[str, str]]:
    """Return the tabs of the administration, on its own pages only."""
    if not request.path.startswith(f"{base}/administration"):
        return []
    return administration_places(request.grants)  # type: ignore[attr-defined]  # set by @page


def _navigation(request: HttpRequest, base: str) -> list[dict[str, Any]]:
    actor, space = request.actor, request.space  # type: ignore[attr-defined]  # see portal()
    if not actor:
        return []
    grants: Grants = getattr(request, "grants", None) or load_grants(actor, space)
    items = []
    for label, place, target, permissions in _NAVIGATION:
        if permissions and not any(grants.allows_anywhere(name) for name in permissions):
            continue
        start = f"{base}/{place}"
        starts = [start, *(f"{base}/{also}" for also in _ALSO.get(place, ()))]
        current = any(f"{request.path}/".startswith(f"{each}/") for each in starts)
        items.append({"label": label, "url": f"{base}/{target}", "current": current})
    return items
