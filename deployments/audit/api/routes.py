"""The routes of events."""

from django.urls import URLPattern, path

from deployments.access.api.viewsets import resource_routes
from deployments.audit.api.views import EventViewSet

routes: list[URLPattern] = [
    path("events/categories", EventViewSet.as_view({"get": "categories"})),
    path("events/groups", EventViewSet.as_view({"get": "groups"})),
    *resource_routes(EventViewSet),
]
