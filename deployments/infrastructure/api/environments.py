"""Environments on the wire."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import flag, text
from deployments.base.api.links import space_path
from deployments.base.api.paging import cut, envelope
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import Invalid
from deployments.infrastructure.api.machines import MachineSerializer
from deployments.infrastructure.api.summary import environments_summary
from deployments.infrastructure.models import Environment, Machine
from deployments.infrastructure.services.environments import (
    create_environment,
    delete_environment,
    sort_environments,
    update_environment,
)
from deployments.library.queries import may_view, variables_naming


class EnvironmentSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    slug = text()
    description = text()
    sort_order = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    use_guided_failure = flag()
    allow_dynamic_infrastructure = flag()
    environment_tags = serializers.SerializerMethodField()
    extension_settings = serializers.SerializerMethodField()

    def get_environment_tags(self, row: Environment) -> list[str]:
        return []

    def get_extension_settings(self, row: Environment) -> list[Any]:
        return []

    def get_links(self, row: Environment) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "environments", row.public_id)
        return {
            "Self": path,
            "Machines": f"{path}/machines{{?skip,take,partialName,roles,isDisabled,"
            "healthStatuses,commStyles,tenantIds,tenantTags}",
            "SinglyScopedVariableDetails": f"{path}/singlyScopedVariableDetails",
        }


class EnvironmentViewSet(SpaceViewSet[Environment]):
    model = Environment
    serializer_class = EnvironmentSerializer
    item_type = "DeploymentEnvironment"
    path = "environments"
    view_permission = Permission.EnvironmentView
    permission_map = {
        "list": Permission.EnvironmentView,
        "all": Permission.EnvironmentView,
        "retrieve": Permission.EnvironmentView,
        "create": Permission.EnvironmentCreate,
        "update": Permission.EnvironmentEdit,
        "destroy": Permission.EnvironmentDelete,
        "sort": Permission.EnvironmentEdit,
        "second_version": Permission.EnvironmentView,
        "summary": Permission.EnvironmentView,
        "machines": Permission.EnvironmentView,
        "singly_scoped": Permission.EnvironmentView,
    }

    def create_row(self, data: dict[str, Any]) -> Environment:
        return create_environment(actor=self.actor, space=self.space, **data)

    def update_row(self, row: Environment, data: dict[str, Any]) -> Environment:
        return update_environment(actor=self.actor, environment=row, **data)

    def destroy_row(self, row: Environment) -> None:
        delete_environment(actor=self.actor, environment=row)

    def sort(self, request: Request, **ids: Any) -> Response:
        """Put all environments into the order of the body, a list of ids."""
        if not isinstance(request.data, list):
            raise Invalid("A list of environment ids is expected.")
        wanted = [str(entry) for entry in request.data]
        return Response(
            self.serialized(sort_environments(actor=self.actor, space=self.space, ids=wanted))
        )

    def second_version(self, request: Request, **ids: Any) -> Response:
        """List with each environment's kind; all of ours are static."""
        rows = self.filtered(self.get_queryset(), self.query)
        if self.query.text("type", "Static").lower() != "static":
            rows = rows.none()
        page = cut(rows, self.query)
        items = [{**item, "Type": "Static"} for item in self.serialized(page.rows)]
        return Response(
            envelope(
                page,
                items,
                item_type=self.item_type,
                path=f"{self.base_path()}/v2",
                query=self.query,
                names=(*self.query_names, "name", "type"),
            )
        )

    def summary(self, request: Request, **ids: Any) -> Response:
        """Count the targets of each environment by health and kind of connection."""
        rows = list(self.filtered(self.get_queryset(), self.query))
        machines = Machine.objects.visible_to(self.actor, self.space, Permission.MachineView)
        return Response(environments_summary(rows, self.serialized(rows), list(machines)))

    def machines(self, request: Request, **ids: Any) -> Response:
        """List the targets of one environment."""
        environment = self.get_object()
        rows = _machines_in(environment).filter(
            pk__in=Machine.objects.visible_to(
                self.actor, self.space, Permission.MachineView
            ).values("pk")
        )
        page = cut(rows, self.query)
        items = MachineSerializer(page.rows, many=True, context=self.context()).data
        return Response(
            envelope(
                page,
                list(items),
                item_type="Machine",
                path=f"{self.base_path()}/{environment.public_id}/machines",
                query=self.query,
            )
        )

    def singly_scoped(self, request: Request, **ids: Any) -> Response:
        """Say whose variables would lose their only scope with this environment."""
        environment = self.get_object()
        rows = variables_naming(self.space, "Environment", environment.public_id)
        only_here = [
            row
            for row in rows
            if set(row.scope) == {"Environment"} and len(row.scope["Environment"]) == 1
        ]
        seen = [row for row in only_here if may_view(self.grants, row.scope, row.variable_set)]
        owners = {row.variable_set.owner_id for row in seen}
        return Response(
            {
                "HasUnauthorizedProjectVariables": len(seen) < len(only_here),
                "HasUnauthorizedLibraryVariableSetVariables": False,
                "VariableMap": {owner: [] for owner in sorted(owners)},
            }
        )


def _machines_in(environment: Environment) -> "QuerySet[Machine]":
    return Machine.objects.in_space(environment.space).filter(environments=environment)
