"""Everything below /api: each resource with a space, with `spaces/` before it, and without."""

from django.urls import URLPattern, URLResolver, path

from deployments.access.api.token_exchange import routes as token_routes
from octopus_site.api import documentation, views
from octopus_site.api.mounting import any_case, app_routes, below

_APP_ROUTES = app_routes()
_ROUTES = [*_APP_ROUTES, *any_case(views.routes)]

urlpatterns: list[URLPattern | URLResolver] = [
    *any_case(
        [
            path("api", views.root_view),
            path("api/", views.root_view),
            path("api/<space:space>", views.space_root_view),
            *documentation.routes(_ROUTES),
            *token_routes,
        ]
    ),
    below("api/<space:space>/", _ROUTES),
    below("api/spaces/<space:space>/", _ROUTES),
    below("api/", _ROUTES),
    *any_case([path("api/<path:rest>", views.unknown_view)]),
]
