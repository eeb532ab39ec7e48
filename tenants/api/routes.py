"""The routes of tenants and tag sets, below the space."""

from django.urls import URLPattern, path

from deployments.access.api.viewsets import resource_routes
from tenants.api.scoped_variables import ScopedVariablesViewSet
from tenants.api.tag_sets import TagSetViewSet
from tenants.api.tenants import TenantViewSet
from tenants.api.variables import TenantVariablesViewSet

routes: list[URLPattern] = [
    path("tagsets/sortorder", TagSetViewSet.as_view({"put": "sort"})),
    *resource_routes(TagSetViewSet),
    path("tenants/status", TenantViewSet.as_view({"get": "status"})),
    path("tenants/tag-test", TenantViewSet.as_view({"get": "tag_test"})),
    path(
        "tenants/<str:id>/logo",
        TenantViewSet.as_view({"get": "logo", "post": "set_logo", "put": "set_logo"}),
    ),
    path("tenants/variables-missing", TenantVariablesViewSet.as_view({"get": "missing"})),
    path(
        "tenants/<str:id>/variables",
        TenantVariablesViewSet.as_view({"get": "retrieve", "put": "update", "post": "update"}),
    ),
    path(
        "tenants/<str:id>/commonvariables",
        ScopedVariablesViewSet.as_view({"get": "common", "put": "set_common"}),
    ),
    path(
        "tenants/<str:id>/projectvariables",
        ScopedVariablesViewSet.as_view({"get": "own", "put": "set_own"}),
    ),
    path("tenantvariables/all", TenantVariablesViewSet.as_view({"get": "all"})),
    *resource_routes(TenantViewSet),
]
