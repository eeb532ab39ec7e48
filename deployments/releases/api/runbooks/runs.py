"""Runs of runbooks: lists, one of them, creating one by ids."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.fields import PublicIdField
from deployments.base.api.links import space_path
from deployments.base.api.query import Query
from deployments.base.errors import NotFound
from deployments.base.finding import find_one
from deployments.infrastructure.models import Environment
from deployments.projects.models import Runbook
from deployments.releases.api.deployments import (
    RUN_FILTERS,
    ChoicesSerializer,
    choices_of,
    filtered_runs,
)
from deployments.releases.api.resources import run_resource
from deployments.releases.models import RunbookRun, RunbookSnapshot
from deployments.releases.queries import snapshots_of
from deployments.releases.services.runbook_runs import create_runbook_run, delete_runbook_run
from tenants.models import Tenant

_FILTERS = {**RUN_FILTERS, "runbooks": ("Runbooks", "runbook")}


def runbook_run_resource(row: RunbookRun) -> dict[str, Any]:
    """Return a run; give it with task, environment and the snapshot's process selected."""
    space = f"Spaces-{row.space_id}"
    return {
        **run_resource(row),
        "RunbookId": f"Runbooks-{row.runbook_id}",
        "RunbookSnapshotId": f"RunbookSnapshots-{row.snapshot_id}",
        "FrozenRunbookProcessId": row.snapshot.process_snapshot.public_id,
        "TentacleRetentionPeriod": None,
        "Links": {
            "Self": space_path(space, "runbookRuns", row.public_id),
            "Task": space_path(space, "tasks", f"ServerTasks-{row.task_id}"),
            "Environment": space_path(space, "environments", f"Environments-{row.environment_id}"),
            "Project": space_path(space, "projects", f"Projects-{row.project_id}"),
            "Runbook": space_path(space, "runbooks", f"Runbooks-{row.runbook_id}"),
            "RunbookSnapshot": space_path(
                space, "runbookSnapshots", f"RunbookSnapshots-{row.snapshot_id}"
            ),
        },
    }


class RunbookRunSerializer(ChoicesSerializer):
    runbook_id = PublicIdField()
    runbook_snapshot_id = PublicIdField()

    def to_representation(self, instance: RunbookRun) -> dict[str, Any]:
        return runbook_run_resource(instance)


class RunbookRunViewSet(SpaceViewSet[RunbookRun]):
    model = RunbookRun
    serializer_class = RunbookRunSerializer
    item_type = "RunbookRun"
    path = "runbookRuns"
    name_field = ""
    query_names = (
        "skip",
        "take",
        "ids",
        "projects",
        "environments",
        "tenants",
        "runbooks",
        "taskState",
    )
    view_permission = Permission.RunbookRunView
    permission_map = {
        "list": Permission.RunbookRunView,
        "retrieve": Permission.RunbookRunView,
        "create": Permission.RunbookRunCreate,
        "destroy": Permission.RunbookRunDelete,
    }

    def get_queryset(self) -> QuerySet[RunbookRun]:
        rows = super().get_queryset()
        if wanted := self.kwargs.get("snapshot"):
            number = public_ids.parse(RunbookSnapshot.id_prefix, wanted)
            snapshots = RunbookSnapshot.objects
            if not snapshots.in_space(self.space).filter(pk=number or 0).exists():
                raise NotFound
            seen = snapshots.visible_to(self.actor, self.space, Permission.RunbookView)
            rows = rows.filter(snapshot__in=seen.filter(pk=number or 0))
        rows = rows.select_related("task", "environment", "snapshot__process_snapshot")
        return rows.defer("snapshot__process_snapshot__steps")

    def filtered(self, rows: QuerySet[RunbookRun], query: Query) -> QuerySet[RunbookRun]:
        return filtered_runs(super().filtered(rows, query), query, _FILTERS)

    def create(self, request: Request, **ids: Any) -> Response:
        data = self.read()
        environments = Environment.objects.visible_to(
            self.actor, self.space, Permission.EnvironmentView
        )
        tenants = Tenant.objects.visible_to(self.actor, self.space, Permission.TenantView)
        runbook = find_one(visible_runbooks(self), data["runbook_id"], field="RunbookId")
        chosen, tenant = data["runbook_snapshot_id"], data["tenant_id"]
        row = create_runbook_run(
            actor=self.actor,
            runbook=runbook,
            snapshot=find_one(snapshots_of(runbook), chosen, field="RunbookSnapshotId")
            if chosen
            else None,
            environment=find_one(environments, data["environment_id"], field="EnvironmentId"),
            tenant=find_one(tenants, tenant, field="TenantId") if tenant else None,
            options=choices_of(data),
        )
        return Response(runbook_run_resource(row), status=201)

    def destroy_row(self, row: RunbookRun) -> None:
        delete_runbook_run(actor=self.actor, row=row)


def visible_runbooks(view: SpaceViewSet[Any]) -> QuerySet[Runbook]:
    """Return the runbooks that the actor may see, with their projects."""
    rows = Runbook.objects.visible_to(view.actor, view.space, Permission.RunbookView)
    return rows.select_related("project__group", "project__variable_set", "space")
