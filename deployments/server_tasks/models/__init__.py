"""The models of the queue."""

from deployments.server_tasks.models.node import ServerNode
from deployments.server_tasks.models.task import ServerTask

__all__ = ["ServerNode", "ServerTask"]
