"""Headers that limit what a page may do."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# Swagger UI writes style elements; nothing else may.
_DOCUMENTATION = "/api/docs"


class SecurityHeadersMiddleware:
    """Add the content security policy and its kin to every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        policy = dict(POLICY)
        if request.path_info.lower().startswith(_DOCUMENTATION):
            policy["style-src"] = "'self' 'unsafe-inline'"
        text = "; ".join(f"{name} {sources}" for name, sources in policy.items())
        response.headers.setdefault("Content-Security-Policy", text)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        return response
