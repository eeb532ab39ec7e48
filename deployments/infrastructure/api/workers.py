"""Worker pools and workers on the wire."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import flag, text, texts
from deployments.base.api.links import space_path, with_query
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import Invalid
from deployments.base.finding import find_all
from deployments.infrastructure.api.machines import (
    MachineBasedSerializer,
    connection_of,
    filtered_by_state,
    policy_of,
)
from deployments.infrastructure.models import Worker, WorkerPool
from deployments.infrastructure.services.upgrade_progress import cancel_upgrades
from deployments.infrastructure.services.upgrades import request_upgrades
from deployments.infrastructure.services.workers import (
    WorkerInput,
    create_worker,
    create_worker_pool,
    delete_worker,
    delete_worker_pool,
    update_worker,
    update_worker_pool,
)

STATIC = "StaticWorkerPool"


class WorkerPoolSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    slug = serializers.CharField(read_only=True)
    description = text()
    is_default = flag()
    sort_order = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    worker_pool_type = serializers.CharField(write_only=True, default=STATIC)

    def to_representation(self, instance: WorkerPool) -> dict[str, Any]:
        return {
            **super().to_representation(instance),
            "WorkerPoolType": STATIC,
            "CanAddWorkers": True,
        }

    def get_links(self, row: WorkerPool) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "workerpools", row.public_id)
        return {"Self": path, "Workers": with_query(f"{path}/workers", "skip", "take")}


class WorkerPoolViewSet(SpaceViewSet[WorkerPool]):
    model = WorkerPool
    serializer_class = WorkerPoolSerializer
    item_type = "WorkerPool"
    path = "workerpools"
    view_permission = Permission.WorkerView
    permission_map = {
        "list": Permission.WorkerView,
        "all": Permission.WorkerView,
        "retrieve": Permission.WorkerView,
        "create": Permission.WorkerEdit,
        "update": Permission.WorkerEdit,
        "destroy": Permission.WorkerEdit,
        "supported_types": Permission.WorkerView,
        "dynamic_types": Permission.WorkerView,
        "workers": Permission.WorkerView,
    }

    def create_row(self, data: dict[str, Any]) -> WorkerPool:
        return create_worker_pool(actor=self.actor, space=self.space, **_pool(data))

    def update_row(self, row: WorkerPool, data: dict[str, Any]) -> WorkerPool:
        return update_worker_pool(actor=self.actor, pool=row, **_pool(data))

    def destroy_row(self, row: WorkerPool) -> None:
        delete_worker_pool(actor=self.actor, pool=row)

    def supported_types(self, request: Request, **ids: Any) -> Response:
        return Response([STATIC])

    def dynamic_types(self, request: Request, **ids: Any) -> Response:
        return Response([])

    def workers(self, request: Request, **ids: Any) -> Response:
        """List the workers of one pool."""
        pool = self.get_object()
        rows = Worker.objects.visible_to(self.actor, self.space, Permission.WorkerView)
        found = list(rows.filter(pools=pool).select_related("agent"))
        return Response(WorkerSerializer(found, many=True, context=self.context()).data)


class WorkerSerializer(MachineBasedSerializer):
    worker_pool_ids = texts()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known_pools: dict[int, list[int]] = {}

    def to_representation(self, instance: Worker) -> dict[str, Any]:
        return {
            **super().to_representation(instance),
            "WorkerPoolIds": [f"WorkerPools-{number}" for number in self._pools(instance)],
        }

    def _pools(self, instance: Worker) -> list[int]:
        pools = self._known_pools
        if instance.pk not in pools:
            rows = getattr(self.parent, "instance", None)
            workers = rows if isinstance(rows, list) else [instance]
            pools.update({worker.pk: [] for worker in workers})
            links = Worker.pools.through.objects.filter(worker__in=[w.pk for w in workers])
            for worker, pool in links.order_by("workerpool_id").values_list(
                "worker_id", "workerpool_id"
            ):
                pools[worker].append(pool)
        return pools[instance.pk]

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in ("WorkerPoolIds", "MachinePolicyId", "Endpoint"):
            fields[name].write_only = True
        return fields

    def get_links(self, row: Worker) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "workers", row.public_id)
        return {"Self": path, "Connection": f"{path}/connection"}


class WorkerViewSet(SpaceViewSet[Worker]):
    model = Worker
    serializer_class = WorkerSerializer
    item_type = "Worker"
    path = "workers"
    view_permission = Permission.WorkerView
    permission_map = {
        "list": Permission.WorkerView,
        "all": Permission.WorkerView,
        "retrieve": Permission.WorkerView,
        "create": Permission.WorkerEdit,
        "update": Permission.WorkerEdit,
        "destroy": Permission.WorkerEdit,
        "connection": Permission.WorkerView,
        "upgrade": Permission.WorkerEdit,
        "cancel_upgrade": Permission.WorkerEdit,
    }

    def get_queryset(self) -> QuerySet[Worker]:
        return super().get_queryset().select_related("agent__upgrade")

    def filtered(self, rows: QuerySet[Worker], query: Query) -> QuerySet[Worker]:
        rows = filtered_by_state(super().filtered(rows, query), query)
        if ids := query.texts("workerPoolIds"):
            pools = find_all(WorkerPool.objects.in_space(self.space), ids, field="workerPoolIds")
            links = Worker.pools.through.objects.filter(workerpool__in=[p.pk for p in pools])
            rows = rows.filter(pk__in=links.values("worker"))
        return rows

    def create_row(self, data: dict[str, Any]) -> Worker:
        return create_worker(actor=self.actor, space=self.space, worker=self._input(data))

    def update_row(self, row: Worker, data: dict[str, Any]) -> Worker:
        return update_worker(actor=self.actor, row=row, worker=self._input(data))

    def destroy_row(self, row: Worker) -> None:
        delete_worker(actor=self.actor, row=row)

    def connection(self, request: Request, **ids: Any) -> Response:
        """Answer with the last known state of the connection."""
        row = self.get_object()
        return Response(connection_of(row, f"{self.base_path()}/{row.public_id}"))

    def upgrade(self, request: Request, **ids: Any) -> Response:
        """Ask the agent to upgrade; answer as `connection` does."""
        request_upgrades(actor=self.actor, rows=[self.get_object()])
        return self.connection(request, **ids)

    def cancel_upgrade(self, request: Request, **ids: Any) -> Response:
        """Cancel the upgrade that the agent has not begun; answer as `connection` does."""
        cancel_upgrades(actor=self.actor, rows=[self.get_object()])
        return self.connection(request, **ids)

    def _input(self, data: dict[str, Any]) -> WorkerInput:
        pools = WorkerPool.objects.in_space(self.space)
        return WorkerInput(
            name=data["name"],
            pools=find_all(pools, data["worker_pool_ids"], field="WorkerPoolIds"),
            policy=policy_of(self, data["machine_policy_id"]),
            is_disabled=data["is_disabled"],
            endpoint=data["endpoint"],
        )


def _pool(data: dict[str, Any]) -> dict[str, Any]:
    kind = data.pop("worker_pool_type", STATIC)
    if kind != STATIC:
        raise Invalid(fields={"WorkerPoolType": [f"Only pools of the type {STATIC} can be made."]})
    return data
