"""The routes of tasks and nodes; details and raw logs are execution's."""

from django.urls import URLPattern, path

from deployments.access.api.viewsets import resource_routes
from deployments.server_tasks.api.nodes import NodeViewSet
from deployments.server_tasks.api.views import TaskViewSet

routes: list[URLPattern] = [
    path("tasks/taskTypes", TaskViewSet.as_view({"get": "types"})),
    path("tasks/rerun/<str:id>", TaskViewSet.as_view({"post": "rerun"})),
    path("tasks/<str:id>/cancel", TaskViewSet.as_view({"post": "cancel"})),
    path("tasks/<str:id>/queued-behind", TaskViewSet.as_view({"get": "queued_behind"})),
    path("tasks/<str:id>/abandon", TaskViewSet.as_view({"post": "abandon"})),
    path("tasks/<str:id>/prioritize", TaskViewSet.as_view({"post": "prioritize"})),
    path("tasks/<str:id>/state", TaskViewSet.as_view({"post": "state"})),
    *resource_routes(TaskViewSet),
    path("octopusservernodes/ping", NodeViewSet.as_view({"get": "ping"})),
    path("octopusservernodes/summary", NodeViewSet.as_view({"get": "summary"})),
    path("octopusservernodes/<str:id>/details", NodeViewSet.as_view({"get": "details"})),
    *resource_routes(NodeViewSet),
]
