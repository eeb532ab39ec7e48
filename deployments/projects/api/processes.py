"""The processes of projects and of runbooks on the wire."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.fields import PublicIdField
from deployments.base.api.links import space_path
from deployments.base.api.parsers import fields_of
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import Invalid, NotFound
from deployments.projects.api.ids import project_number
from deployments.projects.api.projects import visible_projects
from deployments.projects.models import DeploymentProcess
from deployments.projects.process import is_sealed, process_from_json
from deployments.projects.process.json_form import InvalidProcess
from deployments.projects.services.processes import save_process


class ProcessSerializer(SpaceResourceSerializer):
    project_id = PublicIdField(read_only=True)

    def to_representation(self, instance: DeploymentProcess) -> dict[str, Any]:
        owner = {"RunbookId": f"Runbooks-{instance.runbook_id}"} if instance.runbook_id else {}
        return {
            **super().to_representation(instance),
            **owner,
            "ProjectId": f"Projects-{instance.project_id}",
            "Version": instance.version,
            "LastSnapshotId": None,
            "Steps": steps_resource(instance.steps),
        }

    def get_links(self, row: DeploymentProcess) -> dict[str, str]:
        space = f"Spaces-{row.space_id}"
        if row.runbook_id is not None:
            return {
                "Self": space_path(space, "runbookProcesses", row.public_id),
                "Project": space_path(space, "projects", f"Projects-{row.project_id}"),
                "Runbook": space_path(space, "runbooks", f"Runbooks-{row.runbook_id}"),
            }
        path = space_path(space, "deploymentprocesses", row.public_id)
        return {
            "Self": path,
            "Project": space_path(space, "projects", f"Projects-{row.project_id}"),
            "Template": f"{path}/template{{?channel,releaseId}}",
        }


class ProcessViewSet(SpaceViewSet[DeploymentProcess]):
    """Processes by their own id, or below a project (`project` in the path)."""

    model = DeploymentProcess
    serializer_class = ProcessSerializer
    item_type = "DeploymentProcess"
    path = "deploymentprocesses"
    name_field = ""
    view_permission = Permission.ProcessView
    permission_map = {
        "list": Permission.ProcessView,
        "retrieve": Permission.ProcessView,
        "update": Permission.ProcessEdit,
    }

    def get_queryset(self) -> QuerySet[DeploymentProcess]:
        rows = super().get_queryset().select_related("project", "runbook").order_by("id")
        return rows.filter(runbook=None)

    def filtered(
        self, rows: QuerySet[DeploymentProcess], query: Query
    ) -> QuerySet[DeploymentProcess]:
        if ids := query.texts("ids"):
            numbers = [project_number("deploymentprocess", text) for text in ids]
            rows = rows.filter(project__in=[number for number in numbers if number])
        return rows

    def find(self, rows: QuerySet[DeploymentProcess], text: str) -> DeploymentProcess | None:
        number = project_number("deploymentprocess", text)
        return rows.filter(project=number).first() if number else None

    def get_object(self) -> DeploymentProcess:
        wanted = self.kwargs.get("project")
        if wanted:
            project = project_of_path(self, wanted)
            self.kwargs["id"] = f"deploymentprocess-{project}"
        return super().get_object()

    def update(self, request: Request, **ids: Any) -> Response:
        row = self.get_object()
        body = fields_of(request.data)
        try:
            process = process_from_json(body.get("steps") or [])
        except InvalidProcess as error:
            raise Invalid(fields={"Steps": [str(error)]}) from error
        saved = save_process(
            actor=self.actor,
            row=row,
            process=process,
            version=read_version(body),
            note=str(body.get("changedescription") or ""),
        )
        return self.answer(saved)


class RunbookProcessViewSet(ProcessViewSet):
    """Processes of runbooks by their own id, or below a project."""

    item_type = "RunbookProcess"
    path = "runbookProcesses"
    view_permission = Permission.RunbookView
    permission_map = {
        "list": Permission.RunbookView,
        "retrieve": Permission.RunbookView,
        "update": Permission.RunbookEdit,
    }

    def get_queryset(self) -> QuerySet[DeploymentProcess]:
        rows = SpaceViewSet.get_queryset(self).select_related("project", "runbook").order_by("id")
        rows = rows.exclude(runbook=None)
        if wanted := self.kwargs.get("project"):
            project = public_ids.require("Projects", project_of_path(self, wanted))
            rows = rows.filter(project=project)
        return rows

    def filtered(
        self, rows: QuerySet[DeploymentProcess], query: Query
    ) -> QuerySet[DeploymentProcess]:
        if ids := query.texts("ids"):
            rows = rows.filter(runbook__in=[n for n in map(_runbook_number, ids) if n])
        return rows

    def find(self, rows: QuerySet[DeploymentProcess], text: str) -> DeploymentProcess | None:
        number = _runbook_number(text)
        return rows.filter(runbook=number).first() if number else None

    def get_object(self) -> DeploymentProcess:
        return SpaceViewSet.get_object(self)


def _runbook_number(text: str) -> int | None:
    """Return 1 for `RunbookProcess-Runbooks-1`."""
    prefix = "runbookprocess-"
    is_ours = text.lower().startswith(prefix)
    return public_ids.parse("Runbooks", text[len(prefix) :]) if is_ours else None


def project_of_path(view: SpaceViewSet[Any], text: str) -> str:
    """Return the public id of a visible project by id or slug; raises NotFound."""
    rows = visible_projects(view.actor, view.space)
    number = project_number("x", f"x-{text}")
    row = (rows.filter(pk=number) if number else rows.filter(slug=text.lower())).first()
    if row is None:
        raise NotFound
    return row.public_id


def read_version(body: Mapping[str, Any]) -> int | None:
    """Return the version that the client read, None when it does not say. Raises Invalid."""
    version = body.get("version")
    if version is None:
        return None
    if isinstance(version, bool) or not isinstance(version, int):
        raise Invalid(fields={"Version": ["Version must be a whole number."]})
    return version


def steps_resource(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return stored steps with their secrets hidden."""
    return [
        {
            **step,
            "Properties": _hidden(step["Properties"]),
            "Actions": [
                {**action, **_container(action), "Properties": _hidden(action["Properties"])}
                for action in step["Actions"]
            ],
        }
        for step in steps
    ]


def _container(action: Mapping[str, Any]) -> dict[str, Any]:
    pool = action.get("WorkerPoolId") or None
    return {
        "Container": {"Image": None, "FeedId": None, **action.get("Container", {})},
        "WorkerPoolId": pool,
        "Links": {},
    }


def _hidden(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"HasValue": True, "NewValue": None} if is_sealed(value) else value
        for name, value in properties.items()
    }
