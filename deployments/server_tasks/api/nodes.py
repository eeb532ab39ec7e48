"""`/api/octopusservernodes`: the nodes of the server, for people and for load balancers."""

from typing import Any, ClassVar, Final

from django.conf import settings
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SystemViewSet, rows_of_all_spaces
from deployments.access.permissions import Permission
from deployments.access.rules import ANONYMOUS
from deployments.base.clock import utc_now
from deployments.server_tasks.api.serializers import NodeSerializer, TaskSerializer
from deployments.server_tasks.models import ServerNode, ServerTask
from deployments.server_tasks.queries import is_offline, running_on_nodes
from deployments.server_tasks.services import delete_node, update_node
from deployments.server_tasks.states import RUNNING

# Send no more requests here, and do not restart anything either.
_DRAINED: Final = 418
_MOST_TASKS: Final = 200


class NodeViewSet(SystemViewSet[ServerNode]):
    """The nodes; `IsInMaintenanceMode` of one means that it is drained."""

    model = ServerNode
    serializer_class = NodeSerializer
    item_type = "OctopusServerNode"
    path = "octopusservernodes"
    permission_map: ClassVar = {
        "list": Permission.ConfigureServer,
        "all": Permission.ConfigureServer,
        "retrieve": Permission.ConfigureServer,
        "update": Permission.ConfigureServer,
        "destroy": Permission.ConfigureServer,
        "summary": Permission.ConfigureServer,
        "details": Permission.ConfigureServer,
        "ping": ANONYMOUS,
    }

    def get_queryset(self) -> "QuerySet[ServerNode]":
        return ServerNode.objects.all()

    def update_row(self, row: ServerNode, data: dict[str, Any]) -> ServerNode:
        return update_node(
            actor=self.actor,
            node=row,
            task_cap=data["task_cap"],
            is_draining=data.get("is_draining", row.is_draining),
        )

    def destroy_row(self, row: ServerNode) -> None:
        delete_node(actor=self.actor, node=row)

    def summary(self, request: Request, **ids: Any) -> Response:
        """Answer with all nodes and what they do."""
        self.grants.require_system(Permission.ConfigureServer)
        running, now = running_on_nodes(), utc_now()
        rows = list(self.get_queryset())
        nodes = [
            {
                **document,
                "IsOffline": is_offline(row, now),
                "RunningTaskCount": running.get(row.name, 0),
            }
            for row, document in zip(rows, self.serialized(rows), strict=True)
        ]
        return Response({"Nodes": nodes})

    def details(self, request: Request, **ids: Any) -> Response:
        """Answer with a node and the tasks on it that the actor may see."""
        node = self.get_object()
        seen = rows_of_all_spaces(ServerTask, self.actor, Permission.TaskView)
        tasks = seen.filter(node_name=node.name, state__in=RUNNING)[:_MOST_TASKS]
        return Response(
            {
                **self.serialized([node])[0],
                "IsOffline": is_offline(node, utc_now()),
                "RunningTaskCount": running_on_nodes().get(node.name, 0),
                "RunningTasks": TaskSerializer(tasks, many=True, context=self.context()).data,
            }
        )

    def ping(self, request: Request, **ids: Any) -> Response:
        """Answer a load balancer: 418 while this node is drained."""
        name = settings.OCTOPUS.node_name
        node = ServerNode.objects.filter(name=name).first()
        drained = node is not None and node.is_draining
        body = {
            "Id": node.public_id if node else "",
            "Name": name,
            "IsInMaintenanceMode": drained,
        }
        return Response(body, status=_DRAINED if drained else 200)
