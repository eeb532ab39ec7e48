"""The routes of events."""

from django.urls import URLPattern, path

from deployments.access.api.viewsets import resource_routes
from deployments.audit.api.subscriptions import SubscriptionViewSet
from deployments.audit.api.views import ArchiveViewSet, EventViewSet

routes: list[URLPattern] = [
    path("events/agents", EventViewSet.as_view({"get": "agents"})),
    path("events/categories", EventViewSet.as_view({"get": "categories"})),
    path("events/documenttypes", EventViewSet.as_view({"get": "document_types"})),
    path("events/groups", EventViewSet.as_view({"get": "groups"})),
    *resource_routes(ArchiveViewSet),
    *resource_routes(EventViewSet),
    *resource_routes(SubscriptionViewSet),
]
