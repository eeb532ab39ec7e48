"""Headers that limit what a page may do."""

from collections.abc import Callable, Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from deployments.access.identity import key_in_headers
from deployments.access.web.middleware import READS

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
    "frame-src": "'none'",
    "frame-ancestors": "'none'",
}
_FOR_PROGRAMS = {
    "X-Content-Type-Options": "nosniff",
    # Whatever answers a person is for that person; static files say otherwise themselves.
    "Cache-Control": "private, no-cache",
}
_FOR_BROWSERS = {
    **_FOR_PROGRAMS,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
# Swagger UI writes style elements; nothing else may.
_DOCUMENTATION = "/api/docs"


def _as_text(policy: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {sources}" for name, sources in policy.items())


_FOR_ALL = _as_text(POLICY)
_FOR_DOCUMENTATION = _as_text({**POLICY, "style-src": "'self' 'unsafe-inline'"})


class SecurityHeadersMiddleware:
    """Add the content security policy and its kin to every answer that a browser could show.

    It cannot show that to a write with a key in a header: no link and no form sends one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method not in READS and key_in_headers(request):
            wanted = _FOR_PROGRAMS
        else:
            wanted = _FOR_BROWSERS
            is_documentation = request.path_info.lower().startswith(_DOCUMENTATION)
            policy = _FOR_DOCUMENTATION if is_documentation else _FOR_ALL
            response.headers.setdefault("Content-Security-Policy", policy)
        for name, value in wanted.items():
            response.headers.setdefault(name, value)
        if request.is_secure():
            _insist_on_tls(response)
        return response


def _insist_on_tls(response: HttpResponse) -> None:
    """Keep cookies, and browsers that came by TLS, from ever going without it."""
    for cookie in response.cookies.values():
        cookie["secure"] = True
    if settings.OCTOPUS.hsts_seconds:
        response.headers.setdefault(
            "Strict-Transport-Security", f"max-age={settings.OCTOPUS.hsts_seconds}"
        )
