"""`dashboard` and `dashboard/dynamic`: projects by environments for clients."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar, Final

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.participation import Participation
from deployments.infrastructure.models import Environment
from deployments.insights.api.items import current_items, previous_items
from deployments.insights.narrowing import Narrowing, narrowing_of, tenants_meant
from deployments.projects.models import Project, ProjectGroup
from deployments.projects.queries import phases_by_lifecycle
from deployments.releases.models import Deployment, Release
from deployments.server_tasks.models import ServerTask
from tenants.models import Tenant
from tenants.queries import (
    connections_of,
    tags_by_tenant,
    tenanted_mode,
)

_HIGHEST: Final = "highestLatestVersionPerProjectAndEnvironment"
# So many projects are answered with unless a configuration says another number or all are wished.
MOST_PROJECTS: Final = 200


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
        """Answer with what the actor's configuration shows, or the one project that is asked for.

        That is 200 projects at most, by name, unless the configuration says another number;
        `IsFiltered` tells when some were left out. `showAll` leaves both aside; `selectedTenants`
        and `selectedTags` let only deployments for these tenants count.
        `highestLatestVersionPerProjectAndEnvironment` gives one item for each environment of a
        project, however many tenants have something there.
        """
        highest = bool(self.query.flag(_HIGHEST, default=False))
        narrowing = self._narrowing()
        projects = narrowing.of_projects(self._projects())
        chosen = self._number("projectId", Project.id_prefix)
        release = self._number("releaseId", Release.id_prefix)
        if release is not None:
            mine = Release.objects.visible_to(self.actor, self.space, Permission.ReleaseView)
            projects = projects.filter(pk__in=mine.filter(pk=release).values("project"))
        if chosen is not None:
            projects = projects.filter(pk=chosen)
        if chosen is None and release is None and not self._wants_all():
            limit = narrowing.limit or MOST_PROJECTS
            # A slice inside a subquery would be lost on some databases.
            first = list(projects.values_list("pk", flat=True)[: limit + 1])
            if len(first) > limit:
                narrowing = replace(narrowing, limit=limit)
            projects = projects.filter(pk__in=first[:limit])
        places = self._environments()
        if narrowing.environments:
            places = places.filter(pk__in=narrowing.environments)
        return self._answer(projects, places, narrowing, with_previous=True, highest=highest)

    def dynamic(self, request: Request, **ids: Any) -> Response:
        """Answer with the projects and environments that are named; none named means all."""
        projects, environments = self._projects(), self._environments()
        if named := self.query.texts("projects"):
            projects = projects.filter(pk__in=_numbers(Project.id_prefix, named))
        if named := self.query.texts("environments"):
            environments = environments.filter(pk__in=_numbers(Environment.id_prefix, named))
        wants = bool(self.query.flag("includePrevious", default=False))
        return self._answer(projects, environments, Narrowing(), with_previous=wants)

    def _projects(self) -> "QuerySet[Project]":
        return self.get_queryset().filter(is_disabled=False).order_by("name")

    def _environments(self) -> "QuerySet[Environment]":
        permission = Permission.EnvironmentView
        return Environment.objects.visible_to(self.actor, self.space, permission)

    def _narrowing(self) -> Narrowing:
        is_one = self.query.text("projectId") or self.query.text("releaseId")
        is_whole = is_one or self._wants_all()
        narrowing = Narrowing() if is_whole else narrowing_of(self.actor, self.space)
        named, tags = self.query.texts("selectedTenants"), self.query.texts("selectedTags")
        if not named and not tags:
            return narrowing
        numbers = _numbers(Tenant.id_prefix, named)
        return narrowing.for_tenants(
            tenants_meant(self.actor, self.space, named=numbers, tags=tags)
        )

    def _wants_all(self) -> bool:
        return bool(self.query.flag("showAll", default=False))

    def _number(self, name: str, prefix: str) -> int | None:
        text = self.query.text(name)
        return (public_ids.parse(prefix, text) or 0) if text else None

    def _answer(
        self,
        projects: "QuerySet[Project]",
        environments: "QuerySet[Environment]",
        narrowing: Narrowing,
        *,
        with_previous: bool,
        highest: bool = False,
    ) -> Response:
        rows = list(projects.defer("settings", "description"))
        places = list(environments)
        seen = Deployment.objects.visible_to(self.actor, self.space, Permission.DeploymentView)
        counted = narrowing.of_deployments(seen)
        deployments = counted.filter(project__in=projects.values("pk"), environment__in=places)
        made = ServerTask.objects.visible_to(self.actor, self.space, Permission.DeploymentView)
        tasks = narrowing.of_deployments(made).filter(
            project_number__in=projects.order_by().values("pk"),
            environment_number__in=[place.pk for place in places],
        )
        used = {row.group_id for row in rows}
        groups = ProjectGroup.objects.visible_to(
            self.actor, self.space, Permission.ProjectGroupView
        )
        return Response(
            {
                "Id": "Dashboards",
                "ProjectLimit": narrowing.limit or len(rows),
                "IsFiltered": narrowing.is_narrow,
                "Projects": self._project_resources(rows, places),
                "ProjectGroups": [
                    {"Id": row.public_id, "Name": row.name, "EnvironmentIds": []}
                    for row in groups
                    if row.pk in used
                ],
                "Environments": [{"Id": row.public_id, "Name": row.name} for row in places],
                "Tenants": self._tenants(rows, narrowing),
                "Items": current_items(deployments, tasks, highest=highest),
                "PreviousItems": previous_items(deployments, tasks, highest=highest)
                if with_previous
                else [],
                "Links": {},
            }
        )

    def _tenants(self, rows: Sequence[Project], narrowing: Narrowing) -> list[dict[str, Any]]:
        """Return the tenants that take part in the projects."""
        projects = [row.pk for row in rows]
        seen = Tenant.objects.visible_to(self.actor, self.space, Permission.TenantView)
        if narrowing.tenants is not None:
            seen = seen.filter(pk__in=narrowing.tenants)
        tenants = list(seen.filter(connections__project__in=projects).distinct().order_by("name"))
        numbers = [row.pk for row in tenants]
        connected, tags = connections_of(numbers, projects=projects), tags_by_tenant(numbers)
        # Most tenants are connected to the same projects and environments.
        ids = cache(_environment_ids)
        names = {number: f"Projects-{number}" for number in projects}
        return [
            {
                "Id": row.public_id,
                "Name": row.name,
                "ProjectEnvironments": {
                    names[project]: ids(places) for project, places in connected[row.pk].items()
                },
                "TenantTags": [tag.canonical_name for tag in tags[row.pk]],
            }
            for row in tenants
        ]

    def _project_resources(
        self, rows: Sequence[Project], places: Sequence[Environment]
    ) -> list[dict[str, Any]]:
        reachable = {
            number: _environment_ids(
                place.pk for place in places if any(place.pk in view.environments for view in views)
            )
            for number, views in phases_by_lifecycle(
                self.space, {row.lifecycle_id for row in rows}
            ).items()
        }
        return [
            {
                "Id": row.public_id,
                "Name": row.name,
                "Slug": row.slug,
                "ProjectGroupId": f"ProjectGroups-{row.group_id}",
                "EnvironmentIds": reachable[row.lifecycle_id],
                "TenantedDeploymentMode": str(tenanted_mode(row)),
                "CanPerformUntenantedDeployment": tenanted_mode(row) != Participation.TENANTED,
                "IsDisabled": row.is_disabled,
                "Links": {},
            }
            for row in rows
        ]


def _environment_ids(numbers: Iterable[int]) -> list[str]:
    return [f"Environments-{number}" for number in numbers]


def _numbers(prefix: str, texts: Sequence[str]) -> list[int]:
    parsed = (public_ids.parse(prefix, text) for text in texts)
    return [number for number in parsed if number is not None]
