"""The routes of releases and deployments, below the space."""

from django.urls import URLPattern, path

from deployments.access.api.viewsets import resource_routes
from deployments.releases.api.create_release import CreateReleaseViewSet
from deployments.releases.api.defects import DefectViewSet
from deployments.releases.api.deploy_release import DeployReleaseViewSet
from deployments.releases.api.deployments import DeploymentViewSet
from deployments.releases.api.documents import ProjectDocumentsViewSet
from deployments.releases.api.freezes import FreezeViewSet
from deployments.releases.api.releases import ReleaseViewSet
from deployments.releases.api.runbooks.routes import routes as runbook_routes
from deployments.releases.api.templates import DeploymentTemplateViewSet

routes: list[URLPattern] = [
    path("releases/create/v1", CreateReleaseViewSet.as_view({"post": "create"})),
    path("releases/<str:id>/progression", ReleaseViewSet.as_view({"get": "progression"})),
    path("releases/<str:id>/deployments", ReleaseViewSet.as_view({"get": "deployments"})),
    path(
        "releases/<str:id>/snapshot-variables",
        ReleaseViewSet.as_view({"post": "snapshot_variables"}),
    ),
    path(
        "releases/<str:id>/defects",
        DefectViewSet.as_view({"get": "defects", "post": "report"}),
    ),
    path("releases/<str:id>/defects/resolve", DefectViewSet.as_view({"post": "resolve_one"})),
    path("releases/<str:id>/missingpackages", ReleaseViewSet.as_view({"get": "missing_packages"})),
    path(
        "releases/<str:id>/deployments/template",
        DeploymentTemplateViewSet.as_view({"get": "template"}),
    ),
    path(
        "releases/<str:id>/deployments/preview/<str:environment>",
        DeploymentTemplateViewSet.as_view({"get": "preview"}),
    ),
    path(
        "releases/<str:id>/deployments/preview/<str:environment>/<str:tenant>",
        DeploymentTemplateViewSet.as_view({"get": "preview"}),
    ),
    path(
        "releases/<str:id>/deployments/previews",
        DeploymentTemplateViewSet.as_view({"post": "previews"}),
    ),
    *resource_routes(ReleaseViewSet),
    path("projects/<str:project>/releases", ReleaseViewSet.as_view({"get": "list"})),
    path(
        "projects/<str:project>/releases/<str:id>",
        ReleaseViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    path("channels/<str:channel>/releases", ReleaseViewSet.as_view({"get": "list"})),
    path("projects/<str:id>/progression", ProjectDocumentsViewSet.as_view({"get": "progression"})),
    path("progression/<str:id>", ProjectDocumentsViewSet.as_view({"get": "progression"})),
    path("projects/<str:id>/summary", ProjectDocumentsViewSet.as_view({"get": "summary"})),
    path(
        "deploymentprocesses/<str:id>/template",
        ProjectDocumentsViewSet.as_view({"get": "release_template"}),
    ),
    path(
        "deploymentprocesses/<str:id>",
        ProjectDocumentsViewSet.as_view({"get": "process_snapshot"}),
    ),
    path(
        "variables/<librarysnapshot:id>",
        ProjectDocumentsViewSet.as_view({"get": "library_snapshot"}),
    ),
    path("variables/<str:id>", ProjectDocumentsViewSet.as_view({"get": "variable_snapshot"})),
    path("deployments/create/untenanted/v1", DeployReleaseViewSet.as_view({"post": "create"})),
    path(
        "deployments/create/tenanted/v1", DeployReleaseViewSet.as_view({"post": "create_tenanted"})
    ),
    *resource_routes(DeploymentViewSet),
    *runbook_routes,
    *resource_routes(FreezeViewSet),
]
