"""What every template may read."""

from typing import Any

from django.http import HttpRequest

from deployments.access.web.csrf import token_of_request

_NAVIGATION = (
    ("Dashboard", "dashboard"),
    ("Projects", "projects"),
    ("Tasks", "tasks"),
    ("Infrastructure", "infrastructure"),
    ("Packages", "packages"),
    ("Administration", "administration"),
)


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the names for templates.

    actor, space, base (the space's address), navigation, theme, request_id, csrf_token.
    """
    space = getattr(request, "space", None)
    base = f"/app/{space.public_id}" if space else "/app"
    return {
        "actor": getattr(request, "actor", None),
        "space": space,
        "base": base,
        "navigation": _navigation(request, base),
        "theme": "auto",
        "request_id": getattr(request, "request_id", ""),
        "csrf_token": token_of_request(request),
    }


def _navigation(request: HttpRequest, base: str) -> list[dict[str, Any]]:
    items = []
    for label, place in _NAVIGATION:
        start = f"{base}/{place}"
        current = request.path == start or request.path.startswith(f"{start}/")
        url = f"{start}/targets" if place == "infrastructure" else start
        items.append({"label": label, "url": url, "current": current})
    return items
