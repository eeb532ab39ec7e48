"""Addresses below a space."""

from django.urls import path

from deployments.insights.web import configuration, metrics, tenant, views

urlpatterns = [
    path("", views.home, name="space_home"),
    path("dashboard", views.dashboard, name="dashboard"),
    path("dashboard/configure", configuration.configure, name="dashboard_configure"),
    path("dashboard/live", views.live, name="dashboard_live"),
    path("projects/<str:project>/favourite", views.favourite, name="favourite"),
    path("tenants/<str:tenant>/deployments", tenant.tenant_dashboard, name="tenant_dashboard"),
    path("insights", metrics.metrics_page, name="metrics"),
    path("search", views.search_page, name="search"),
]
