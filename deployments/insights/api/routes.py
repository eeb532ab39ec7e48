"""The routes of dashboards."""

from django.urls import URLPattern, path

from deployments.insights.api.configuration import DashboardConfigurationViewSet
from deployments.insights.api.dashboard import DashboardViewSet

routes: list[URLPattern] = [
    path("dashboard", DashboardViewSet.as_view({"get": "show"})),
    path("dashboard/dynamic", DashboardViewSet.as_view({"get": "dynamic"})),
    path(
        "dashboardconfiguration",
        DashboardConfigurationViewSet.as_view({"get": "show", "put": "replace"}),
    ),
]
