"""The routes of logs and interruptions."""

from django.urls import URLPattern, path

from deployments.access.api.viewsets import resource_routes
from deployments.execution.api.artifacts import ArtifactViewSet
from deployments.execution.api.log_settings import LogSettingsViewSet
from deployments.execution.api.views import InterruptionViewSet, TaskLogViewSet

routes: list[URLPattern] = [
    path("tasks/<str:id>/details", TaskLogViewSet.as_view({"get": "details"})),
    path("tasks/<str:id>/raw", TaskLogViewSet.as_view({"get": "raw"})),
    path("logsettings", LogSettingsViewSet.as_view({"get": "retrieve", "put": "update"})),
    path("tasks/<str:id>/logs/search", TaskLogViewSet.as_view({"get": "search"})),
    path("interruptions/<str:id>/submit", InterruptionViewSet.as_view({"post": "submit"})),
    path(
        "interruptions/<str:id>/responsible",
        InterruptionViewSet.as_view({"get": "responsible", "put": "take_responsibility"}),
    ),
    *resource_routes(InterruptionViewSet),
    path("artifacts/<str:id>/content", ArtifactViewSet.as_view({"get": "content", "put": "store"})),
    *resource_routes(ArtifactViewSet),
]
