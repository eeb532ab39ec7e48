"""The routes of projects, below the space."""

from typing import Any

from django.urls import URLPattern, path

from deployments.access.api.viewsets import resource_routes
from deployments.projects.api import ids  # noqa: F401 registers the converter
from deployments.projects.api.accounts import AccountViewSet
from deployments.projects.api.certificates import CertificateViewSet
from deployments.projects.api.channels import ChannelViewSet
from deployments.projects.api.groups import ProjectGroupViewSet
from deployments.projects.api.library_sets import (
    LibraryVariableSetViewSet,
    LibraryVariablesViewSet,
)
from deployments.projects.api.lifecycles import LifecycleViewSet
from deployments.projects.api.processes import ProcessViewSet, RunbookProcessViewSet
from deployments.projects.api.projects import ProjectViewSet
from deployments.projects.api.retention import routes as retention_routes
from deployments.projects.api.triggers import ScheduledTriggerViewSet, TriggerViewSet
from deployments.projects.api.variables import VariablesViewSet

_ONE: dict[str, Any] = {"get": "retrieve", "put": "update"}

routes: list[URLPattern] = [
    *resource_routes(ProjectViewSet),
    path(
        "projects/<str:id>/deploymentsettings",
        ProjectViewSet.as_view({"get": "read_settings", "put": "change_settings"}),
    ),
    path("projects/<str:id>/metadata", ProjectViewSet.as_view({"get": "metadata"})),
    path("projects/<str:id>/logo", ProjectViewSet.as_view({"get": "logo"})),
    path("projects/<str:project>/deploymentprocesses", ProcessViewSet.as_view(_ONE)),
    path("projects/<str:project>/variables", VariablesViewSet.as_view(_ONE)),
    path(
        "projects/<str:project>/channels",
        ChannelViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "projects/<str:project>/channels/<str:id>",
        ChannelViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    path(
        "projects/<str:project>/triggers",
        TriggerViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "projects/<str:project>/triggers/<str:id>",
        TriggerViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    *resource_routes(TriggerViewSet),
    *resource_routes(ScheduledTriggerViewSet),
    path("channels/rule-test", ChannelViewSet.as_view({"get": "test_rule", "post": "test_rule"})),
    *resource_routes(ChannelViewSet),
    path("projectgroups/<str:id>/projects", ProjectGroupViewSet.as_view({"get": "projects"})),
    *resource_routes(ProjectGroupViewSet),
    path("lifecycles/<str:id>/preview", LifecycleViewSet.as_view({"get": "preview"})),
    path("lifecycles/<str:id>/projects", LifecycleViewSet.as_view({"get": "projects"})),
    *resource_routes(LifecycleViewSet),
    *retention_routes,
    path("deploymentprocesses", ProcessViewSet.as_view({"get": "list"})),
    path("deploymentprocesses/<owned:id>", ProcessViewSet.as_view(_ONE)),
    path("runbookProcesses", RunbookProcessViewSet.as_view({"get": "list"})),
    path("runbookProcesses/<owned:id>", RunbookProcessViewSet.as_view(_ONE)),
    path("projects/<str:project>/runbookProcesses/<owned:id>", RunbookProcessViewSet.as_view(_ONE)),
    path("variables/all", VariablesViewSet.as_view({"get": "many"})),
    path("variables/names", VariablesViewSet.as_view({"get": "names"})),
    path("variables/preview", VariablesViewSet.as_view({"get": "preview"})),
    path("variables/<libraryvariables:id>", LibraryVariablesViewSet.as_view(_ONE)),
    path("variables/<owned:id>", VariablesViewSet.as_view(_ONE)),
    path(
        "libraryvariablesets/<str:id>/usages", LibraryVariableSetViewSet.as_view({"get": "usages"})
    ),
    *resource_routes(LibraryVariableSetViewSet),
    path("accounts/<str:id>/usages", AccountViewSet.as_view({"get": "usages"})),
    *resource_routes(AccountViewSet),
    *(
        path(f"certificates/<str:id>/{name}", CertificateViewSet.as_view({"post": name}))
        for name in ("replace", "archive", "unarchive")
    ),
    path(
        "certificates/<str:id>/export",
        CertificateViewSet.as_view({"get": "export", "post": "export"}),
    ),
    path("certificates/generate", CertificateViewSet.as_view({"post": "generate"})),
    path("certificates/<str:id>/usages", CertificateViewSet.as_view({"get": "usages"})),
    *resource_routes(CertificateViewSet),
]
