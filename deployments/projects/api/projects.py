"""Projects on the wire."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.api.fields import PublicIdField, flag, text
from deployments.base.api.links import space_path
from deployments.base.api.parsers import fields_of
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import NotFound
from deployments.base.finding import find_one
from deployments.base.models import Space
from deployments.projects.api.settings import (
    extra_from_body,
    extra_resource,
    settings_from_body,
    settings_from_project_body,
    settings_of_project,
    settings_resource,
)
from deployments.projects.models import Lifecycle, Project, ProjectGroup
from deployments.projects.services.cloning import clone_project
from deployments.projects.services.projects import (
    ProjectInput,
    create_project,
    delete_project,
    update_project,
    update_settings,
)


class ProjectSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    slug = text()
    description = text()
    is_disabled = flag()
    project_group_id = PublicIdField()
    lifecycle_id = PublicIdField()

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in ("ProjectGroupId", "LifecycleId"):
            fields[name].write_only = True
        return fields

    def to_representation(self, instance: Project) -> dict[str, Any]:
        number = instance.public_id
        cloned = instance.cloned_from_id
        return {
            **super().to_representation(instance),
            "ProjectGroupId": public_ids.make("ProjectGroups", instance.group_id),
            "LifecycleId": public_ids.make("Lifecycles", instance.lifecycle_id),
            "VariableSetId": f"variableset-{number}",
            "DeploymentProcessId": f"deploymentprocess-{number}",
            "ClonedFromProjectId": public_ids.make("Projects", cloned) if cloned else None,
            "IsVersionControlled": False,
            "PersistenceSettings": {"Type": "Database"},
            **extra_resource(instance),
            **settings_of_project(instance),
        }

    def get_links(self, row: Project) -> dict[str, str]:
        space = f"Spaces-{row.space_id}"
        path = space_path(space, "projects", row.public_id)
        return {
            "Self": path,
            "Releases": f"{path}/releases{{/version}}{{?skip,take,searchByVersion}}",
            "Channels": f"{path}/channels{{/id}}{{?skip,take,partialName}}",
            "Triggers": f"{path}/triggers{{?skip,take,partialName}}",
            "Runbooks": f"{path}/runbooks{{?skip,take,partialName}}",
            "RunbookSnapshots": f"{path}/runbookSnapshots{{/name}}{{?skip,take}}",
            "Progression": f"{path}/progression{{?aggregate}}",
            "DeploymentProcess": space_path(
                space, "deploymentprocesses", f"deploymentprocess-{row.public_id}"
            ),
            "DeploymentSettings": f"{path}/deploymentsettings",
            "Variables": space_path(space, "variables", f"variableset-{row.public_id}"),
            "Summary": f"{path}/summary",
            "Logo": f"{path}/logo",
            "Web": f"/app/{space}/projects/{row.slug}",
        }


def visible_projects(actor: Actor, space: Space) -> QuerySet[Project]:
    """Return the projects that the actor may see."""
    return Project.objects.visible_to(actor, space, Permission.ProjectView)


class ProjectViewSet(SpaceViewSet[Project]):
    model = Project
    serializer_class = ProjectSerializer
    item_type = "Project"
    path = "projects"
    view_permission = Permission.ProjectView
    permission_map = {
        "list": Permission.ProjectView,
        "all": Permission.ProjectView,
        "retrieve": Permission.ProjectView,
        "create": Permission.ProjectCreate,
        "update": Permission.ProjectEdit,
        "destroy": Permission.ProjectDelete,
        "read_settings": Permission.ProjectView,
        "change_settings": Permission.ProjectEdit,
        "metadata": Permission.ProjectView,
        "logo": Permission.ProjectView,
    }

    def filtered(self, rows: QuerySet[Project], query: Query) -> QuerySet[Project]:
        rows = super().filtered(rows, query)
        if cloned := query.text("clonedFromProjectId"):
            rows = rows.filter(cloned_from=public_ids.parse("Projects", cloned) or 0)
        return rows

    def create_row(self, data: dict[str, Any]) -> Project:
        if source := self.query.text("clone"):
            return self._clone(source, data)
        return create_project(
            actor=self.actor, space=self.space, project=self._input(data, stored=None)
        )

    def update_row(self, row: Project, data: dict[str, Any]) -> Project:
        return update_project(actor=self.actor, row=row, project=self._input(data, stored=row))

    def destroy_row(self, row: Project) -> None:
        delete_project(actor=self.actor, row=row)

    def read_settings(self, request: Request, **ids: Any) -> Response:
        """Answer with the deployment settings."""
        return Response(settings_resource(self.get_object()))

    def change_settings(self, request: Request, **ids: Any) -> Response:
        """Replace the deployment settings."""
        row = self.get_object()
        document = settings_from_body(_body(request))
        return Response(
            settings_resource(update_settings(actor=self.actor, row=row, settings=document))
        )

    def metadata(self, request: Request, **ids: Any) -> Response:
        """Answer with the metadata of extensions; there are none."""
        self.get_object()
        return Response([])

    def logo(self, request: Request, **ids: Any) -> Response:
        """Answer 404: projects have no picture, which clients expect."""
        self.get_object()
        raise NotFound

    def _clone(self, source: str, data: dict[str, Any]) -> Project:
        found = self.find(self.get_queryset(), source)
        if found is None:
            raise NotFound
        group, lifecycle = data["project_group_id"], data["lifecycle_id"]
        return clone_project(
            actor=self.actor,
            source=found,
            name=data["name"],
            description=data["description"],
            group=self._group(group) if group else None,
            lifecycle=self._lifecycle(lifecycle) if lifecycle else None,
        )

    def _input(self, data: dict[str, Any], *, stored: Project | None) -> ProjectInput:
        body = _body(self.request)
        return ProjectInput(
            name=data["name"],
            description=data["description"],
            slug=data["slug"],
            is_disabled=data["is_disabled"],
            group=self._group(data["project_group_id"]),
            lifecycle=self._lifecycle(data["lifecycle_id"]),
            settings=settings_from_project_body(body, stored.settings if stored else {}),
            extra=extra_from_body(body),
        )

    def _group(self, text: str | None) -> ProjectGroup:
        groups = ProjectGroup.objects.visible_to(
            self.actor, self.space, Permission.ProjectGroupView
        )
        return find_one(groups, text, field="ProjectGroupId")

    def _lifecycle(self, text: str | None) -> Lifecycle:
        return find_one(Lifecycle.objects.in_space(self.space), text, field="LifecycleId")


def _body(request: Request) -> Mapping[str, Any]:
    return fields_of(request.data)
