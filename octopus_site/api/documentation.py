"""The OpenAPI document and the page that shows it."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from octopus_site.api.mounting import below

DOCUMENT = "/api/openapi.json"


class SwaggerView(SpectacularSwaggerSplitView):
    """Swagger UI whose script is a second request, as the content security policy demands."""

    authentication_classes: Sequence[Any] = ()
    permission_classes: Sequence[Any] = ()
    url = DOCUMENT
    url_self = "/api/docs"


def routes(resources: Sequence[URLPattern | URLResolver]) -> list[URLPattern]:
    """Return the routes of the documentation; resources are shown once, below a space."""
    # Stand-alone resolvers, so that the three places of each resource are not all listed.
    shown = [below("api/<space:space>/", resources)]
    document = SpectacularJSONAPIView.as_view(
        patterns=shown, authentication_classes=(), permission_classes=()
    )
    return [
        path("api/openapi.json", document, name="openapi"),
        path("api/docs", SwaggerView.as_view(), name="api-docs"),
    ]


__all__ = ["DOCUMENT", "HttpRequest", "HttpResponse", "routes"]
