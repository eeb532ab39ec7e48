"""Deployment targets on the wire."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api import dates
from deployments.base.api.fields import PublicIdField, RecordField, flag, text, texts
from deployments.base.api.links import space_path, with_query
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.finding import find_all, find_one
from deployments.infrastructure.api.upgrades import named_ids, upgrade_resource
from deployments.infrastructure.models import (
    Environment,
    Machine,
    MachineEnvironment,
    MachinePolicy,
    Worker,
)
from deployments.infrastructure.queries import (
    environment_numbers,
    machines_serving,
    tenant_numbers_of_machines,
    visible_environment_numbers,
    visible_roles,
)
from deployments.infrastructure.services.machines import (
    MachineInput,
    create_machine,
    delete_machine,
    update_machine,
)
from deployments.infrastructure.services.upgrade_progress import cancel_upgrades
from deployments.infrastructure.services.upgrades import request_upgrades
from deployments.library.tenancy import Tenancy

_WRITTEN: Final = (
    "EnvironmentIds",
    "Roles",
    "MachinePolicyId",
    "Endpoint",
    "TenantedDeploymentParticipation",
    "TenantIds",
    "TenantTags",
)


class MachineBasedSerializer(SpaceResourceSerializer):
    """What targets and workers have in common."""

    name = serializers.CharField(max_length=200)
    slug = text()
    is_disabled = flag()
    machine_policy_id = PublicIdField()
    endpoint = RecordField(default=dict)
    health_status = serializers.CharField(read_only=True)
    status_summary = serializers.CharField(read_only=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        agent = instance.agent
        endpoint = {"CommunicationStyle": "TentacleActive", **instance.endpoint, "Links": {}}
        return {
            **super().to_representation(instance),
            "MachinePolicyId": f"MachinePolicies-{instance.policy_id}",
            "Endpoint": endpoint,
            "Uri": endpoint.get("Uri"),
            "Thumbprint": endpoint.get("Thumbprint"),
            "HasLatestCalamari": True,
            "IsInProcess": False,
            "OperatingSystem": agent.operating_system if agent else "Unknown",
            "ShellName": "Bash" if agent else "Unknown",
            "ShellVersion": "Unknown",
            "Architecture": "Unknown",
        }

    def validate_Endpoint(self, value: Any) -> dict[str, Any]:  # noqa: N802 named by the wire
        if not isinstance(value, Mapping):
            raise serializers.ValidationError("An object is expected.")
        return dict(value)


class MachineSerializer(MachineBasedSerializer):
    environment_ids = texts()
    roles = texts()
    tenanted_deployment_participation = text()
    tenant_ids = texts()
    tenant_tags = texts()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known_places: dict[int, list[int]] = {}
        self._known_tenants: dict[int, list[int]] = {}

    def to_representation(self, instance: Machine) -> dict[str, Any]:
        numbers = self._places(instance)
        seen = self.context.get("visible_environments")
        shown = [number for number in numbers if seen is None or number in seen]
        return {
            **super().to_representation(instance),
            "EnvironmentIds": [f"Environments-{number}" for number in shown],
            "Roles": list(instance.roles),
            "TenantedDeploymentParticipation": instance.tenanted_participation,
            "TenantIds": [f"Tenants-{number}" for number in self._tenants(instance)],
            "TenantTags": list(instance.tenant_tags),
        }

    def _tenants(self, instance: Machine) -> list[int]:
        if instance.pk not in self._known_tenants:
            rows = getattr(self.parent, "instance", None)
            self._known_tenants.update(
                tenant_numbers_of_machines(rows if isinstance(rows, list) else [instance])
            )
        return self._known_tenants[instance.pk]

    def _places(self, instance: Machine) -> list[int]:
        places = self._known_places
        if instance.pk not in places:
            rows = getattr(self.parent, "instance", None)
            places.update(environment_numbers(rows if isinstance(rows, list) else [instance]))
        return places[instance.pk]

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in _WRITTEN:
            fields[name].write_only = True
        return fields

    def get_links(self, row: Machine) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "machines", row.public_id)
        return {
            "Self": path,
            "Connection": f"{path}/connection",
            "TasksTemplate": with_query(f"{path}/tasks", "skip", "take"),
        }


class MachineViewSet(SpaceViewSet[Machine]):
    model = Machine
    serializer_class = MachineSerializer
    item_type = "Machine"
    path = "machines"
    view_permission = Permission.MachineView
    permission_map = {
        "list": Permission.MachineView,
        "all": Permission.MachineView,
        "retrieve": Permission.MachineView,
        "create": Permission.MachineCreate,
        "update": Permission.MachineEdit,
        "destroy": Permission.MachineDelete,
        "connection": Permission.MachineView,
        "upgrade": Permission.MachineEdit,
        "upgrade_several": Permission.MachineEdit,
        "cancel_upgrade": Permission.MachineEdit,
        "cancel_upgrades": Permission.MachineEdit,
        "roles": Permission.MachineView,
    }

    def get_queryset(self) -> QuerySet[Machine]:
        return super().get_queryset().select_related("agent__upgrade")

    def filtered(self, rows: QuerySet[Machine], query: Query) -> QuerySet[Machine]:
        rows = filtered_by_state(super().filtered(rows, query), query)
        if ids := query.texts("environmentIds"):
            numbers = [public_ids.parse("Environments", text) for text in ids]
            wanted = Environment.objects.in_space(self.space).filter(
                pk__in=[number for number in numbers if number is not None]
            )
            links = MachineEnvironment.objects.filter(environment__in=wanted.values("pk"))
            rows = rows.filter(pk__in=links.values("machine"))
        tenants = [public_ids.parse("Tenants", text) for text in query.texts("tenantIds")]
        tags = query.texts("tenantTags")
        if tenants or tags:
            rows = machines_serving(rows, [n for n in tenants if n is not None], tags)
        if roles := {role.lower() for role in query.texts("roles")}:
            fitting = [
                number
                for number, held in rows.values_list("pk", "roles")
                if roles & {str(role).lower() for role in held}
            ]
            rows = rows.filter(pk__in=fitting)
        return rows

    def create_row(self, data: dict[str, Any]) -> Machine:
        return create_machine(actor=self.actor, space=self.space, machine=self._input(data))

    def update_row(self, row: Machine, data: dict[str, Any]) -> Machine:
        return update_machine(actor=self.actor, row=row, machine=self._input(data))

    def destroy_row(self, row: Machine) -> None:
        delete_machine(actor=self.actor, row=row)

    def connection(self, request: Request, **ids: Any) -> Response:
        """Answer with the last known state of the connection."""
        row = self.get_object()
        return Response(connection_of(row, f"{self.base_path()}/{row.public_id}"))

    def upgrade(self, request: Request, **ids: Any) -> Response:
        """Ask the agent to upgrade; answer as `connection` does."""
        row = self.get_object()
        request_upgrades(actor=self.actor, rows=[row])
        return self.connection(request, **ids)

    def upgrade_several(self, request: Request, **ids: Any) -> Response:
        """Ask the agents of several targets to upgrade, one of them first."""
        rows = self._named(request)
        request_upgrades(actor=self.actor, rows=rows)
        return self._connections(rows)

    def cancel_upgrade(self, request: Request, **ids: Any) -> Response:
        """Cancel the upgrade that the agent has not begun; answer as `connection` does."""
        cancel_upgrades(actor=self.actor, rows=[self.get_object()])
        return self.connection(request, **ids)

    def cancel_upgrades(self, request: Request, **ids: Any) -> Response:
        """Cancel those upgrades of several targets that their agents have not begun."""
        rows = self._named(request)
        cancel_upgrades(actor=self.actor, rows=rows)
        return self._connections(rows)

    def _named(self, request: Request) -> list[Machine]:
        wanted = named_ids(request.data, "MachineIds")
        found = find_all(self.get_queryset(), wanted, field="MachineIds")
        return list({row.pk: row for row in found}.values())

    def _connections(self, rows: list[Machine]) -> Response:
        again = self.get_queryset().filter(pk__in=[row.pk for row in rows])
        return Response(
            [connection_of(row, f"{self.base_path()}/{row.public_id}") for row in again]
        )

    def roles(self, request: Request, **ids: Any) -> Response:
        """List the target tags in use."""
        return Response(visible_roles(self.actor, self.space))

    def context(self) -> dict[str, Any]:
        return {
            **super().context(),
            "visible_environments": visible_environment_numbers(self.actor, self.space),
        }

    def _input(self, data: dict[str, Any]) -> MachineInput:
        environments = Environment.objects.visible_to(
            self.actor, self.space, Permission.EnvironmentView
        )
        return MachineInput(
            name=data["name"],
            slug=data["slug"],
            environments=find_all(environments, data["environment_ids"], field="EnvironmentIds"),
            roles=data["roles"],
            policy=policy_of(self, data["machine_policy_id"]),
            is_disabled=data["is_disabled"],
            endpoint=data["endpoint"],
            tenancy=Tenancy(
                data["tenanted_deployment_participation"], data["tenant_ids"], data["tenant_tags"]
            ),
        )


def policy_of(view: SpaceViewSet[Any], text: str | None) -> MachinePolicy | None:
    """Return the policy that the body names."""
    if not text:
        return None
    return find_one(MachinePolicy.objects.in_space(view.space), text, field="MachinePolicyId")


def connection_of(row: Machine | Worker, path: str) -> dict[str, Any]:
    """Return the resource about a connection."""
    agent = row.agent
    return {
        "MachineId": row.public_id,
        "Status": row.health_status,
        "CurrentTentacleVersion": agent.version if agent else None,
        "LastChecked": dates.to_wire(row.last_check or (agent.last_seen if agent else None)),
        "Upgrade": upgrade_resource(row),
        "Logs": [],
        "Links": {"Self": f"{path}/connection"},
    }


def filtered_by_state(rows: Any, query: Query) -> Any:
    """Return the targets or workers that the query's state filters leave."""
    disabled = query.flag("isDisabled")
    if disabled is not None:
        rows = rows.filter(is_disabled=disabled)
    if statuses := query.texts("healthStatuses"):
        rows = rows.filter(health_status__in=statuses)
    if styles := query.texts("commStyles"):
        rows = rows.filter(endpoint__CommunicationStyle__in=styles)
    if print_ := query.text("thumbprint"):
        rows = rows.filter(Q(endpoint__Thumbprint=print_))
    return rows
