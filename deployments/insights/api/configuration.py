"""`dashboardconfiguration`: what one's own dashboard shows."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import texts
from deployments.base.api.links import space_path
from deployments.base.api.serializers import ResourceSerializer
from deployments.base.models import SpaceOwned
from deployments.infrastructure.models import Environment
from deployments.insights.models import DashboardConfiguration
from deployments.insights.narrowing import configuration_of
from deployments.insights.services.configuration import ConfigurationInput, configure_dashboard
from deployments.projects.models import Project, ProjectGroup
from tenants.models import Tenant
from tenants.queries import canonical_names


class ConfigurationSerializer(ResourceSerializer):
    included_project_group_ids = texts()
    included_project_ids = texts()
    included_environment_ids = texts()
    included_tenant_ids = texts()
    included_tenant_tags = texts()
    project_limit = serializers.IntegerField(default=None, allow_null=True)


class DashboardConfigurationViewSet(SpaceViewSet[DashboardConfiguration]):
    """The configuration of who asks; there is one for each person and space."""

    model = DashboardConfiguration
    serializer_class = ConfigurationSerializer
    path = "dashboardconfiguration"
    view_permission = Permission.ProjectView
    permission_map: ClassVar = {
        "show": Permission.ProjectView,
        "replace": Permission.ProjectView,
    }

    def show(self, request: Request, **ids: Any) -> Response:
        """Answer with what the dashboard shows; empty lists show all."""
        return Response(self._document(configuration_of(self.actor, self.space)))

    def replace(self, request: Request, **ids: Any) -> Response:
        """Choose what the dashboard shows."""
        data = self.read()
        row = configure_dashboard(
            actor=self.actor,
            space=self.space,
            configuration=ConfigurationInput(
                project_groups=data["included_project_group_ids"],
                projects=data["included_project_ids"],
                environments=data["included_environment_ids"],
                tenants=data["included_tenant_ids"],
                tenant_tags=data["included_tenant_tags"],
                project_limit=data["project_limit"],
            ),
        )
        return Response(self._document(row))

    def _document(self, row: DashboardConfiguration | None) -> dict[str, Any]:
        """Return the document, without what is gone or may not be seen any more."""
        row = row or DashboardConfiguration()
        see = Permission
        tags = set(canonical_names(self.space)) if row.tenant_tags else set()
        return {
            "Id": f"{self.path}-{self.actor.public_id}",
            "IncludedProjectGroupIds": self._ids(
                ProjectGroup, row.project_groups, see.ProjectGroupView
            ),
            "IncludedProjectIds": self._ids(Project, row.projects, see.ProjectView),
            "IncludedEnvironmentIds": self._ids(Environment, row.environments, see.EnvironmentView),
            "IncludedTenantIds": self._ids(Tenant, row.tenants, see.TenantView),
            "IncludedTenantTags": [name for name in row.tenant_tags if name in tags],
            "ProjectLimit": row.project_limit,
            "Links": {"Self": space_path(self.space, self.path)},
        }

    def _ids(
        self, model: type[SpaceOwned], numbers: list[int], permission: Permission
    ) -> list[str]:
        if not numbers:
            return []
        rows: QuerySet[Any] = model.objects.visible_to(self.actor, self.space, permission)
        known = set(rows.filter(pk__in=numbers).values_list("pk", flat=True))
        return [f"{model.id_prefix}-{number}" for number in numbers if number in known]
