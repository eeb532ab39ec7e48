"""Snapshots of runbooks."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.permissions import Permission
from deployments.base.api.dates import to_wire
from deployments.base.api.fields import PublicIdField, text
from deployments.base.api.links import space_path
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import NotFound
from deployments.base.finding import find, find_one
from deployments.projects.api.below_project import BelowProjectViewSet
from deployments.projects.models import Runbook
from deployments.releases.api.releases import exact_specs
from deployments.releases.api.resources import FROZEN_CONTENTS, packages_resource
from deployments.releases.api.runbooks.preview import preview_resource, run_template_resource
from deployments.releases.models import RunbookSnapshot
from deployments.releases.queries import find_snapshot
from deployments.releases.services.runbook_snapshots import (
    create_runbook_snapshot,
    delete_runbook_snapshot,
    update_runbook_snapshot,
    update_variables_of_runbook_snapshot,
)


class RunbookSnapshotSerializer(SpaceResourceSerializer):
    name = text(max_length=200)
    notes = text()
    project_id = PublicIdField(write_only=True)
    runbook_id = PublicIdField(write_only=True)
    selected_packages = serializers.ListField(
        child=serializers.DictField(), default=list, write_only=True
    )

    def to_representation(self, instance: RunbookSnapshot) -> dict[str, Any]:
        return {
            **super().to_representation(instance),
            "ProjectId": f"Projects-{instance.project_id}",
            "RunbookId": f"Runbooks-{instance.runbook_id}",
            "Assembled": to_wire(instance.assembled),
            "FrozenRunbookProcessId": instance.process_snapshot.public_id,
            "FrozenProjectVariableSetId": instance.variable_snapshot.public_id,
            "ProjectVariableSetSnapshotId": instance.variable_snapshot.public_id,
            "LibraryVariableSetSnapshotIds": [entry["id"] for entry in instance.library_snapshots],
            "SelectedPackages": packages_resource(instance),
            "SelectedGitResources": [],
        }

    def get_links(self, row: RunbookSnapshot) -> dict[str, str]:
        space = f"Spaces-{row.space_id}"
        path = space_path(space, "runbookSnapshots", row.public_id)
        return {
            "Self": path,
            "Project": space_path(space, "projects", f"Projects-{row.project_id}"),
            "Runbook": space_path(space, "runbooks", f"Runbooks-{row.runbook_id}"),
            "RunbookRuns": f"{path}/runbookRuns{{?skip,take}}",
            "RunbookRunTemplate": f"{path}/runbookRuns/template",
            "RunbookRunPreview": f"{path}/runbookRuns/preview/{{environment}}",
            "SnapshotVariables": f"{path}/snapshot-variables",
        }


class RunbookSnapshotViewSet(BelowProjectViewSet[RunbookSnapshot]):
    """Snapshots of the space, or below a project or a runbook its own."""

    model = RunbookSnapshot
    serializer_class = RunbookSnapshotSerializer
    item_type = "RunbookSnapshot"
    path = "runbookSnapshots"
    below = "runbookSnapshots"
    view_permission = Permission.RunbookView
    permission_map = {
        "list": Permission.RunbookView,
        "retrieve": Permission.RunbookView,
        "create": Permission.RunbookView,  # the service asks for one of two more
        "update": Permission.RunbookView,
        "destroy": Permission.RunbookEdit,
        "preview": Permission.RunbookView,
        "run_template": Permission.RunbookView,
        "snapshot_variables": Permission.RunbookEdit,
    }

    def get_queryset(self) -> QuerySet[RunbookSnapshot]:
        rows = super().get_queryset()
        if wanted := self.kwargs.get("runbook"):
            rows = rows.filter(runbook=self._runbook_of_path(wanted))
        if self.action == "list":
            rows = rows.defer(*FROZEN_CONTENTS)
        return rows.select_related(
            "process_snapshot",
            "variable_snapshot",
            "runbook__project__group",
            "runbook__project__variable_set",
            "project",
            "space",
        ).prefetch_related("selected_packages")

    def filtered(self, rows: QuerySet[RunbookSnapshot], query: Query) -> QuerySet[RunbookSnapshot]:
        rows = super().filtered(rows, query)
        if words := query.text("searchByName"):
            rows = rows.filter(name__icontains=words)
        return rows

    def find(self, rows: QuerySet[RunbookSnapshot], text: str) -> RunbookSnapshot | None:
        return find_snapshot(rows, text)

    def create_row(self, data: dict[str, Any]) -> RunbookSnapshot:
        return create_runbook_snapshot(
            actor=self.actor,
            runbook=find_one(self._runbooks(), data["runbook_id"], field="RunbookId"),
            name=data["name"],
            notes=data["notes"],
            packages=exact_specs(data["selected_packages"]),
            publish=self.query.text("publish").lower() == "true",
        )

    def update_row(self, row: RunbookSnapshot, data: dict[str, Any]) -> RunbookSnapshot:
        return update_runbook_snapshot(
            actor=self.actor, snapshot=row, name=data["name"], notes=data["notes"]
        )

    def destroy_row(self, row: RunbookSnapshot) -> None:
        delete_runbook_snapshot(actor=self.actor, snapshot=row)

    def snapshot_variables(self, request: Request, **ids: Any) -> Response:
        """Take the project's variables as they are now."""
        row = update_variables_of_runbook_snapshot(actor=self.actor, snapshot=self.get_object())
        return self.answer(row)

    def run_template(self, request: Request, **ids: Any) -> Response:
        """Say where the snapshot may run, and what has changed since."""
        row = self.get_object()
        path = space_path(self.space, "runbookSnapshots", row.public_id, "runbookRuns")
        return Response(run_template_resource(self, row, path))

    def preview(self, request: Request, **ids: Any) -> Response:
        """Say what a run of the snapshot would do in an environment."""
        return Response(preview_resource(self, self.get_object(), ids))

    def _runbook_of_path(self, wanted: str) -> Runbook:
        row = find(self._runbooks(), wanted)
        if row is None:
            raise NotFound
        return row

    def _runbooks(self) -> QuerySet[Runbook]:
        rows = Runbook.objects.visible_to(self.actor, self.space, Permission.RunbookView)
        if (project := self.project_of_path()) is not None:
            rows = rows.filter(project=project)
        return rows.select_related("project__group", "project__variable_set")
