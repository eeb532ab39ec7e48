"""Addresses below a space."""

from django.urls import path

from deployments.insights.web import views

urlpatterns = [
    path("", views.home, name="space_home"),
    path("dashboard", views.dashboard, name="dashboard"),
    path("search", views.search_page, name="search"),
]
