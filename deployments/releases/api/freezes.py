"""Deployment freezes on the wire, with a space in the address or without."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.grants import Grants
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.fields import MomentField, PublicIdField, RecordField, text
from deployments.base.api.links import space_path
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.base.finding import find_all, find_one
from deployments.infrastructure.models import Environment
from deployments.projects.api.projects import visible_projects
from deployments.releases.freezes.holding import may_see, schedule_of
from deployments.releases.freezes.schedule import next_window, window_at
from deployments.releases.models import DeploymentFreeze, FreezeScope
from deployments.releases.services.freezes import (
    FreezeInput,
    FreezePlace,
    create_freeze,
    delete_freeze,
    update_freeze,
)

STATUSES: Final = ("Active", "Scheduled", "Complete")
_TENANT_SCOPE: Final = "TenantProjectEnvironmentScope"


class FreezeSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    start = MomentField()
    end = MomentField()
    time_zone = text()
    recurring_schedule = RecordField(source="recurrence", default=None, allow_null=True)
    owner_id = PublicIdField(write_only=True)
    project_environment_scope = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), write_only=True, default=dict
    )
    tenant_project_environment_scope = serializers.ListField(
        child=serializers.DictField(), write_only=True, default=list
    )

    def to_representation(self, instance: DeploymentFreeze) -> dict[str, Any]:
        seen = _seen(self.context["grants"], instance)
        by_project: dict[str, list[str]] = {}
        for scope in seen:
            if scope.tenant_number is None:
                places = by_project.setdefault(f"Projects-{scope.project_id}", [])
                places.append(f"Environments-{scope.environment_id}")
        return {
            **super().to_representation(instance),
            "OwnerId": f"Projects-{instance.owner_id}" if instance.owner_id else None,
            "Status": status_of(instance),
            "ProjectEnvironmentScope": by_project,
            _TENANT_SCOPE: [
                {
                    "TenantId": f"Tenants-{scope.tenant_number}",
                    "ProjectId": f"Projects-{scope.project_id}",
                    "EnvironmentId": f"Environments-{scope.environment_id}",
                }
                for scope in seen
                if scope.tenant_number is not None
            ],
        }

    def get_links(self, row: DeploymentFreeze) -> dict[str, str]:
        return {"Self": space_path(f"Spaces-{row.space_id}", "deploymentfreezes", row.public_id)}


class FreezeViewSet(SpaceViewSet[DeploymentFreeze]):
    model = DeploymentFreeze
    serializer_class = FreezeSerializer
    item_type = "DeploymentFreeze"
    path = "deploymentfreezes"
    query_names = (
        *("skip", "take", "ids", "partialName", "projectIds", "tenantIds", "environmentIds"),
        *("includeComplete", "status"),
    )
    view_permission = Permission.ProjectView
    permission_map = {
        "list": Permission.ProjectView,
        "retrieve": Permission.ProjectView,
        "create": Permission.DeploymentFreezeAdminister,
        "update": Permission.DeploymentFreezeAdminister,
        "destroy": Permission.DeploymentFreezeAdminister,
    }

    def get_queryset(self) -> QuerySet[DeploymentFreeze]:
        return super().get_queryset().prefetch_related("scopes__project")

    def list(self, request: Request, **ids: Any) -> Response:
        answer = self.page(self.filtered(self.get_queryset(), self.query))
        # Clients of this resource read these names and not those of the envelope.
        answer.data["DeploymentFreezes"] = answer.data["Items"]
        answer.data["Count"] = answer.data["TotalResults"]
        return answer

    def filtered(
        self, rows: QuerySet[DeploymentFreeze], query: Query
    ) -> QuerySet[DeploymentFreeze]:
        rows = super().filtered(rows, query)
        for name, prefix, column in (
            ("projectIds", "Projects", "project"),
            ("environmentIds", "Environments", "environment"),
            ("tenantIds", "Tenants", "tenant_number"),
        ):
            if wanted := query.texts(name):
                numbers = [public_ids.parse(prefix, each) for each in wanted]
                scopes = FreezeScope.objects.filter(**{f"{column}__in": filter(None, numbers)})
                rows = rows.filter(pk__in=scopes.values("freeze_id"))
        status = query.text("status").capitalize()
        if status and status not in STATUSES:
            raise Invalid(f"The query parameter status must be one of {', '.join(STATUSES)}.")
        if status:
            rows = rows.filter(pk__in=[row.pk for row in rows if status_of(row) == status])
        elif query.flag("includeComplete") is False:
            rows = rows.filter(pk__in=[row.pk for row in rows if status_of(row) != "Complete"])
        return rows

    def create_row(self, data: dict[str, Any]) -> DeploymentFreeze:
        freeze = self._input(data)
        return self._again(create_freeze(actor=self.actor, space=self.space, freeze=freeze))

    def update_row(self, row: DeploymentFreeze, data: dict[str, Any]) -> DeploymentFreeze:
        freeze = self._input(data)
        return self._again(update_freeze(actor=self.actor, row=row, freeze=freeze))

    def destroy_row(self, row: DeploymentFreeze) -> None:
        delete_freeze(actor=self.actor, row=row)

    def _input(self, data: dict[str, Any]) -> FreezeInput:
        owner = data["owner_id"]
        projects = visible_projects(self.actor, self.space)
        return FreezeInput(
            name=data["name"],
            start=data["start"],
            end=data["end"],
            time_zone=data["time_zone"],
            recurrence=data["recurrence"],
            owner=find_one(projects, owner, field="OwnerId") if owner else None,
            places=self._places(
                data["project_environment_scope"],
                [_tenant_entry(each) for each in data["tenant_project_environment_scope"]],
            ),
        )

    def _places(
        self, scope: Mapping[str, Sequence[str]], tenants: Sequence[tuple[int, str, str]]
    ) -> Sequence[FreezePlace]:
        pairs = [(project, each, None) for project, ids in scope.items() for each in ids]
        wanted = [*pairs, *((project, each, tenant) for tenant, project, each in tenants)]
        projects = self._found(
            visible_projects(self.actor, self.space),
            [*scope, *(project for project, _, _ in wanted)],
        )
        environments = self._found(
            Environment.objects.visible_to(self.actor, self.space, Permission.EnvironmentView),
            [each for _, each, _ in wanted],
        )
        return [
            FreezePlace(projects[project.lower()], environments[each.lower()], tenant)
            for project, each, tenant in wanted
        ]

    def _found(self, rows: Any, ids: Sequence[str]) -> dict[str, Any]:
        found = find_all(rows, ids, field="ProjectEnvironmentScope")
        return {row.public_id.lower(): row for row in found}

    def _again(self, row: DeploymentFreeze) -> DeploymentFreeze:
        rows = DeploymentFreeze.objects.in_space(self.space).prefetch_related("scopes__project")
        return rows.get(pk=row.pk)


def status_of(row: DeploymentFreeze) -> str:
    """Return whether the freeze holds now, will hold, or is over."""
    schedule, now = schedule_of(row), utc_now()
    if window_at(schedule, now) is not None:
        return "Active"
    return "Complete" if next_window(schedule, now) is None else "Scheduled"


def _seen(grants: Grants, row: DeploymentFreeze) -> list[FreezeScope]:
    """Return the places whose project and environment the reader may see."""
    return [
        scope for scope in row.scopes.all() if may_see(grants, scope.project, scope.environment_id)
    ]


def _tenant_entry(sent: Mapping[str, Any]) -> tuple[int, str, str]:
    fields = {str(name).lower(): str(value or "") for name, value in sent.items()}
    tenant = public_ids.parse("Tenants", fields.get("tenantid", ""))
    project, environment = fields.get("projectid"), fields.get("environmentid")
    if not (tenant and project and environment):
        raise Invalid(
            fields={_TENANT_SCOPE: ["Each entry needs TenantId, ProjectId and EnvironmentId."]}
        )
    return tenant, project, environment
