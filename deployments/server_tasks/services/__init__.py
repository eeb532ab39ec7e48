"""What may be done to server tasks."""

from deployments.server_tasks.services.cancel import cancel_task
from deployments.server_tasks.services.enqueue import enqueue
from deployments.server_tasks.services.moves import move
from deployments.server_tasks.services.queue import expire_queued, schedule, set_node_task_cap

__all__ = ["cancel_task", "enqueue", "expire_queued", "move", "schedule", "set_node_task_cap"]
