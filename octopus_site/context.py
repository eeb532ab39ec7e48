"""What every template may read."""

from typing import Any

from django.http import HttpRequest

from deployments.access.web.csrf import token_of_request


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the names for templates: the actor, the request id and the form token."""
    return {
        "actor": getattr(request, "actor", None),
        "request_id": getattr(request, "request_id", ""),
        "csrf_token": token_of_request(request),
    }
