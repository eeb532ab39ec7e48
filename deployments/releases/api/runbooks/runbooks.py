"""Runbooks: lists, one of them, creating, changing, deleting; what may be run where."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.fields import PublicIdField, text
from deployments.base.api.links import space_path
from deployments.base.api.names import with_pascal_names
from deployments.base.api.parsers import fields_of
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import Invalid, NotFound
from deployments.base.finding import find, find_one
from deployments.projects.api.below_project import BelowProjectViewSet
from deployments.projects.models import Runbook
from deployments.projects.runbooks import RUNBOOK_DEFAULTS, runbook_document
from deployments.projects.services.runbooks import RunbookInput, create_runbook, update_runbook
from deployments.releases.api.runbooks.preview import (
    places_of_runbook,
    preview_resource,
    run_template_resource,
)
from deployments.releases.models import RunbookSnapshot
from deployments.releases.queries import snapshots_of
from deployments.releases.services.runbook_snapshots import (
    delete_runbook,
    next_snapshot_name,
    packages_of_runbook,
    publish_runbook_snapshot,
)


class RunbookSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    slug = text()
    description = text()
    project_id = PublicIdField()

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["ProjectId"].write_only = True
        return fields

    def to_representation(self, instance: Runbook) -> dict[str, Any]:
        published = [row for row in instance.snapshots.all() if row.is_published]
        return {
            **super().to_representation(instance),
            "ProjectId": f"Projects-{instance.project_id}",
            "RunbookProcessId": f"RunbookProcess-{instance.public_id}",
            "PublishedRunbookSnapshotId": published[0].public_id if published else None,
            **runbook_document(instance.settings),
        }

    def get_links(self, row: Runbook) -> dict[str, str]:
        space = f"Spaces-{row.space_id}"
        path = space_path(space, "runbooks", row.public_id)
        process = space_path(space, "runbookProcesses", f"RunbookProcess-{row.public_id}")
        return {
            "Self": path,
            "Project": space_path(space, "projects", f"Projects-{row.project_id}"),
            "RunbookProcesses": process,
            "RunbookSnapshots": f"{path}/runbookSnapshots{{?skip,take,searchByName}}",
            "RunbookSnapshotTemplate": f"{path}/runbookSnapshotTemplate",
            "RunbookRunTemplate": f"{path}/runbookRunTemplate",
            "RunbookRunPreview": f"{path}/runbookRuns/preview/{{environment}}",
            "CreateRunbookRun": space_path(space, "runbookRuns"),
            "Run": f"{path}/run",
        }


class RunbookViewSet(BelowProjectViewSet[Runbook]):
    """Runbooks of the space, or below a project its own."""

    model = Runbook
    serializer_class = RunbookSerializer
    item_type = "Runbook"
    path = "runbooks"
    below = "runbooks"
    slug_field = "slug"
    view_permission = Permission.RunbookView
    permission_map = {
        "list": Permission.RunbookView,
        "all": Permission.RunbookView,
        "retrieve": Permission.RunbookView,
        "create": Permission.RunbookEdit,
        "update": Permission.RunbookEdit,
        "destroy": Permission.RunbookEdit,
        "environments": Permission.RunbookView,
        "snapshot_template": Permission.RunbookView,
        "run_template": Permission.RunbookView,
        "preview": Permission.RunbookView,
    }

    def get_queryset(self) -> QuerySet[Runbook]:
        rows = super().get_queryset().select_related("project__group", "project__variable_set")
        return rows.prefetch_related("snapshots")

    def filtered(self, rows: QuerySet[Runbook], query: Query) -> QuerySet[Runbook]:
        rows = super().filtered(rows, query)
        if wanted := query.texts("projectIds"):
            numbers = [public_ids.parse("Projects", one) for one in wanted]
            rows = rows.filter(project__in=[n for n in numbers if n is not None])
        return rows

    def create_row(self, data: dict[str, Any]) -> Runbook:
        project = self.project_for(data["project_id"])
        return create_runbook(actor=self.actor, project=project, runbook=self._input(data))

    def update_row(self, row: Runbook, data: dict[str, Any]) -> Runbook:
        wanted = fields_of(self.request.data).get("publishedrunbooksnapshotid")
        with transaction.atomic():
            update_runbook(actor=self.actor, row=row, runbook=self._input(data))
            if wanted:
                self._publish(row, str(wanted))
        return self.get_queryset().get(pk=row.pk)

    def destroy_row(self, row: Runbook) -> None:
        delete_runbook(actor=self.actor, row=row)

    def environments(self, request: Request, **ids: Any) -> Response:
        """Return the environments in which the runbook may run."""
        row = self.get_object()
        return Response(
            [
                {"Id": place.public_id, "Name": place.name, "Links": {}}
                for place in places_of_runbook(self, row)
            ]
        )

    def snapshot_template(self, request: Request, **ids: Any) -> Response:
        """Return what a new snapshot needs: a name and versions of packages."""
        row = self.get_object()
        return Response(
            {
                "Id": row.public_id,
                "RunbookId": row.public_id,
                "RunbookProcessId": f"RunbookProcess-{row.public_id}",
                "NextNameIncrement": next_snapshot_name(),
                "Packages": [
                    {
                        "StepName": need.step.name,
                        "ActionName": need.action.name,
                        "PackageReferenceName": need.reference.name,
                        "PackageId": need.package_id,
                        "FeedId": need.feed_id,
                        "FeedName": need.feed.name if need.feed else None,
                        "VersionSelectedLastRelease": None,
                        "IsResolvable": need.is_resolvable,
                        "FixedVersion": need.reference.version,
                        "ProjectName": need.project.name if need.project else None,
                    }
                    for need in packages_of_runbook(row)
                ],
                "GitResources": [],
                "Links": {},
            }
        )

    def run_template(self, request: Request, **ids: Any) -> Response:
        """Say where the published snapshot may run, and what has changed since."""
        row = self.get_object()
        snapshot = self._published(row)
        path = space_path(self.space, "runbooks", row.public_id, "runbookRuns")
        return Response(run_template_resource(self, snapshot, path))

    def preview(self, request: Request, **ids: Any) -> Response:
        """Say what a run of the published snapshot would do in an environment."""
        snapshot = self._published(self.get_object())
        return Response(preview_resource(self, snapshot, ids))

    def _published(self, row: Runbook) -> RunbookSnapshot:
        snapshot = snapshots_of(row).filter(is_published=True).first()
        if snapshot is None:
            raise NotFound
        return snapshot

    def _publish(self, row: Runbook, wanted: str) -> None:
        snapshot = find_one(snapshots_of(row), wanted, field="PublishedRunbookSnapshotId")
        if not snapshot.is_published:
            publish_runbook_snapshot(actor=self.actor, snapshot=snapshot)

    def _input(self, data: Mapping[str, Any]) -> RunbookInput:
        body = fields_of(self.request.data)
        settings: dict[str, Any] = {}
        for name, default in RUNBOOK_DEFAULTS.items():
            value = body.get(name.lower())
            if value is None:
                continue
            if isinstance(default, Mapping):
                if not isinstance(value, Mapping):
                    raise Invalid(fields={name: [f"{name} must be an object."]})
                value = with_pascal_names(dict(value))
            elif type(value) is not type(default):
                raise Invalid(fields={name: [f"{name} is of the wrong kind."]})
            settings[name] = value
        return RunbookInput(data["name"], data["description"], data["slug"], settings)


def runbook_named(rows: QuerySet[Runbook], wanted: str) -> Runbook:
    """Return the runbook by name, id or slug; raises Invalid."""
    row = find(rows, wanted)
    if row is None:
        words = f"The runbook '{wanted}' does not exist or you may not see it."
        raise Invalid(fields={"RunbookName": [words]})
    return row
