"""The routes of runbooks, below the space."""

from typing import Any

from django.urls import URLPattern, path

from deployments.access.api.viewsets import resource_routes
from deployments.releases.api.runbooks.runbooks import RunbookViewSet
from deployments.releases.api.runbooks.runs import RunbookRunViewSet
from deployments.releases.api.runbooks.several import RunRunbookViewSet, RunSeveralViewSet
from deployments.releases.api.runbooks.snapshots import RunbookSnapshotViewSet

_MANY: dict[str, Any] = {"get": "list", "post": "create"}
_PREVIEW: dict[str, Any] = {"get": "preview"}

routes: list[URLPattern] = [
    path("runbook-runs/create/v1", RunRunbookViewSet.as_view({"post": "create"})),
    path("runbooks/<str:id>/environments", RunbookViewSet.as_view({"get": "environments"})),
    path(
        "runbooks/<str:id>/runbookSnapshotTemplate",
        RunbookViewSet.as_view({"get": "snapshot_template"}),
    ),
    path("runbooks/<str:id>/runbookRunTemplate", RunbookViewSet.as_view({"get": "run_template"})),
    path(
        "runbooks/<str:id>/runbookRuns/preview/<str:environment>",
        RunbookViewSet.as_view(_PREVIEW),
    ),
    path(
        "runbooks/<str:id>/runbookRuns/preview/<str:environment>/<str:tenant>",
        RunbookViewSet.as_view(_PREVIEW),
    ),
    path(
        "runbooks/<str:runbook>/runbookSnapshots",
        RunbookSnapshotViewSet.as_view({"get": "list"}),
    ),
    path(
        "runbookSnapshots/<str:id>/runbookRuns/preview/<str:environment>",
        RunbookSnapshotViewSet.as_view(_PREVIEW),
    ),
    path(
        "runbookSnapshots/<str:id>/runbookRuns/preview/<str:environment>/<str:tenant>",
        RunbookSnapshotViewSet.as_view(_PREVIEW),
    ),
    path(
        "runbookSnapshots/<str:id>/runbookRuns/template",
        RunbookSnapshotViewSet.as_view({"get": "run_template"}),
    ),
    path(
        "runbookSnapshots/<str:snapshot>/runbookRuns",
        RunbookRunViewSet.as_view({"get": "list"}),
    ),
    path(
        "runbookSnapshots/<str:id>/snapshot-variables",
        RunbookSnapshotViewSet.as_view({"post": "snapshot_variables"}),
    ),
    path("runbooks/<str:runbook>/run", RunSeveralViewSet.as_view({"post": "create"})),
    *resource_routes(RunbookViewSet),
    *resource_routes(RunbookSnapshotViewSet),
    *resource_routes(RunbookRunViewSet),
    path("projects/<str:project>/runbooks", RunbookViewSet.as_view(_MANY)),
    path(
        "projects/<str:project>/runbooks/<str:id>",
        RunbookViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    path(
        "projects/<str:project>/runbooks/<str:runbook>/runbookSnapshots",
        RunbookSnapshotViewSet.as_view({"get": "list"}),
    ),
    path("projects/<str:project>/runbookSnapshots", RunbookSnapshotViewSet.as_view(_MANY)),
    path(
        "projects/<str:project>/runbookSnapshots/<str:id>",
        RunbookSnapshotViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
]
