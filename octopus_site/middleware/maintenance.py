"""While the server is in maintenance mode, only its administrators may write."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse

from deployments.access.services.maintenance import maintenance, may_write_in_maintenance
from deployments.access.web.middleware import READS
from octopus_site.middleware.errors import is_api, page

# An administrator must be able to come in, and anybody to leave; agents bring what they have.
# Build servers come in to read.
_DOORS: Final = (
    *("/app/sign-in", "/app/sign-out", "/api/users/login", "/api/users/logout"),
    "/app/first-administrator",
    *("/token/v1", "//token/v1", "/api/token/v1", "/agent/"),
)
_RETRY_AFTER_S: Final = "60"
_UNAVAILABLE: Final = 503


class MaintenanceMiddleware:
    """Refuse writes of people and their tools with 503; agents and the engine are not concerned."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in READS or request.path_info.lower().startswith(_DOORS):
            return self.get_response(request)
        actor = getattr(request, "actor", None) or None  # first: settings are read with an API key
        state = maintenance()
        if state is None or may_write_in_maintenance(actor):
            return self.get_response(request)
        response = _refusal(request, state.sentence)
        response.headers["Retry-After"] = _RETRY_AFTER_S
        return response


def _refusal(request: HttpRequest, sentence: str) -> HttpResponse:
    if is_api(request):
        return JsonResponse({"ErrorMessage": sentence}, status=_UNAVAILABLE)
    return page(request, _UNAVAILABLE, sentence)
