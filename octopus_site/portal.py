"""Where each app's pages stand: below /app, most of them below a space."""

import importlib
import importlib.util
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, include, path

from octopus_site.api.mounting import APPS
from octopus_site.server.pages import urlpatterns as server_pages

Routes = list[URLPattern | URLResolver]


def root_view(_: HttpRequest) -> HttpResponseRedirect:
    """Send a visitor of the bare address to the portal."""
    return HttpResponseRedirect("/app")


def _routes_of_spaces() -> Iterator[URLPattern | URLResolver]:
    """Yield the `urlpatterns` of every app's web.urls."""
    for name in APPS:
        module = f"{name}.web.urls"
        if importlib.util.find_spec(f"{name}.web") and importlib.util.find_spec(module):
            yield from importlib.import_module(module).urlpatterns


urlpatterns: Routes = [
    path("", root_view),
    path("app", include("deployments.access.web.account_urls")),
    path("app/<space:space>/", include([*_routes_of_spaces(), *server_pages])),
]
