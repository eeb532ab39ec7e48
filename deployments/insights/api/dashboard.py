"""`dashboard` and `dashboard/dynamic`: projects by environments for clients."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.participation import Participation
from deployments.infrastructure.models import Environment
from deployments.insights.api.items import current_items, previous_items
from deployments.projects.models import Project, ProjectGroup
from deployments.projects.queries import phases_of_many
from deployments.releases.models import Deployment, Release
from tenants.models import Tenant
from tenants.queries import connections_of, tags_by_tenant, tenanted_mode


class DashboardViewSet(SpaceViewSet[Project]):
    """What is where, of what the actor may see; a fixed number of queries for any number."""

    model = Project
    path = "dashboard"
    view_permission = Permission.ProjectView
    permission_map: ClassVar = {
        "show": Permission.ProjectView,
        "dynamic": Permission.ProjectView,
    }

    def show(self, request: Request, **ids: Any) -> Response:
        """Answer with every project, or the one of `projectId` or `releaseId`."""
        projects = self._projects()
        chosen = self._number("projectId", Project.id_prefix)
        release = self._number("releaseId", Release.id_prefix)
        if release is not None:
            mine = Release.objects.visible_to(self.actor, self.space, Permission.ReleaseView)
            projects = projects.filter(pk__in=mine.filter(pk=release).values("project"))
        if chosen is not None:
            projects = projects.filter(pk=chosen)
        return self._answer(projects, self._environments(), with_previous=True)

    def dynamic(self, request: Request, **ids: Any) -> Response:
        """Answer with the projects and environments that are named; none named means all."""
        projects, environments = self._projects(), self._environments()
        if named := self.query.texts("projects"):
            projects = projects.filter(pk__in=_numbers(Project.id_prefix, named))
        if named := self.query.texts("environments"):
            environments = environments.filter(pk__in=_numbers(Environment.id_prefix, named))
        wants = bool(self.query.flag("includePrevious", default=False))
        return self._answer(projects, environments, with_previous=wants)

    def _projects(self) -> "QuerySet[Project]":
        return self.get_queryset().filter(is_disabled=False).order_by("name")

    def _environments(self) -> "QuerySet[Environment]":
        permission = Permission.EnvironmentView
        return Environment.objects.visible_to(self.actor, self.space, permission)

    def _number(self, name: str, prefix: str) -> int | None:
        text = self.query.text(name)
        return (public_ids.parse(prefix, text) or 0) if text else None

    def _answer(
        self,
        projects: "QuerySet[Project]",
        environments: "QuerySet[Environment]",
        *,
        with_previous: bool,
    ) -> Response:
        rows = list(projects.select_related("lifecycle").defer("settings", "description"))
        places = list(environments)
        seen = Deployment.objects.visible_to(self.actor, self.space, Permission.DeploymentView)
        deployments = seen.filter(project__in=projects.values("pk"), environment__in=places)
        groups = ProjectGroup.objects.visible_to(
            self.actor, self.space, Permission.ProjectGroupView
        )
        return Response(
            {
                "Id": "Dashboards",
                "ProjectLimit": len(rows),
                "IsFiltered": False,
                "Projects": self._project_resources(rows, places),
                "ProjectGroups": [
                    {"Id": row.public_id, "Name": row.name, "EnvironmentIds": []}
                    for row in groups
                    if row.pk in {project.group_id for project in rows}
                ],
                "Environments": [{"Id": row.public_id, "Name": row.name} for row in places],
                "Tenants": self._tenants(rows),
                "Items": current_items(deployments),
                "PreviousItems": previous_items(deployments) if with_previous else [],
                "Links": {},
            }
        )

    def _tenants(self, rows: Sequence[Project]) -> list[dict[str, Any]]:
        """Return the tenants that take part in the projects."""
        projects = {row.pk for row in rows}
        seen = Tenant.objects.visible_to(self.actor, self.space, Permission.TenantView)
        tenants = list(seen.filter(connections__project__in=projects).distinct().order_by("name"))
        numbers = [row.pk for row in tenants]
        connected, tags = connections_of(numbers), tags_by_tenant(numbers)
        return [
            {
                "Id": row.public_id,
                "Name": row.name,
                "ProjectEnvironments": {
                    f"Projects-{project}": [f"Environments-{place}" for place in places]
                    for project, places in connected[row.pk].items()
                    if project in projects
                },
                "TenantTags": [tag.canonical_name for tag in tags[row.pk]],
            }
            for row in tenants
        ]

    def _project_resources(
        self, rows: Sequence[Project], places: Sequence[Environment]
    ) -> list[dict[str, Any]]:
        lifecycles = {row.lifecycle_id: row.lifecycle for row in rows}
        for lifecycle in lifecycles.values():
            lifecycle.space = self.space
        phases = phases_of_many(lifecycles.values())
        reachable = {
            number: {place for view in views for place in view.environments}
            for number, views in phases.items()
        }
        return [
            {
                "Id": row.public_id,
                "Name": row.name,
                "Slug": row.slug,
                "ProjectGroupId": f"ProjectGroups-{row.group_id}",
                "EnvironmentIds": [
                    place.public_id for place in places if place.pk in reachable[row.lifecycle_id]
                ],
                "TenantedDeploymentMode": str(tenanted_mode(row)),
                "CanPerformUntenantedDeployment": tenanted_mode(row) != Participation.TENANTED,
                "IsDisabled": row.is_disabled,
                "Links": {},
            }
            for row in rows
        ]


def _numbers(prefix: str, texts: Sequence[str]) -> list[int]:
    parsed = (public_ids.parse(prefix, text) for text in texts)
    return [number for number in parsed if number is not None]
