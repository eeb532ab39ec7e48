"""Project groups on the wire."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import text
from deployments.base.api.links import space_path
from deployments.base.api.paging import cut, envelope
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.projects.api.projects import ProjectSerializer, visible_projects
from deployments.projects.models import ProjectGroup
from deployments.projects.services.groups import (
    create_project_group,
    delete_project_group,
    update_project_group,
)


class ProjectGroupSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    slug = serializers.CharField(read_only=True)
    description = text()

    def to_representation(self, instance: ProjectGroup) -> dict[str, Any]:
        return {
            **super().to_representation(instance),
            "EnvironmentIds": [],
            "RetentionPolicyId": None,
        }

    def get_links(self, row: ProjectGroup) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "projectgroups", row.public_id)
        # A plain path: clients ask for it without expanding a template.
        return {"Self": path, "Projects": f"{path}/projects"}


class ProjectGroupViewSet(SpaceViewSet[ProjectGroup]):
    model = ProjectGroup
    serializer_class = ProjectGroupSerializer
    item_type = "ProjectGroup"
    path = "projectgroups"
    view_permission = Permission.ProjectGroupView
    permission_map = {
        "list": Permission.ProjectGroupView,
        "all": Permission.ProjectGroupView,
        "retrieve": Permission.ProjectGroupView,
        "create": Permission.ProjectGroupCreate,
        "update": Permission.ProjectGroupEdit,
        "destroy": Permission.ProjectGroupDelete,
        "projects": Permission.ProjectGroupView,
    }

    def create_row(self, data: dict[str, Any]) -> ProjectGroup:
        return create_project_group(actor=self.actor, space=self.space, **data)

    def update_row(self, row: ProjectGroup, data: dict[str, Any]) -> ProjectGroup:
        return update_project_group(actor=self.actor, group=row, **data)

    def destroy_row(self, row: ProjectGroup) -> None:
        delete_project_group(actor=self.actor, group=row)

    def projects(self, request: Request, **ids: Any) -> Response:
        """List the projects of one group."""
        group = self.get_object()
        page = cut(visible_projects(self.actor, self.space).filter(group=group), self.query)
        items = ProjectSerializer(page.rows, many=True, context=self.context()).data
        return Response(
            envelope(
                page,
                list(items),
                item_type="Project",
                path=f"{self.base_path()}/{group.public_id}/projects",
                query=self.query,
            )
        )
