"""What may be done to server tasks."""

from deployments.server_tasks.services.administer import correct_state, move_to_top, rerun
from deployments.server_tasks.services.cancel import abandon_task, cancel_task
from deployments.server_tasks.services.enqueue import enqueue
from deployments.server_tasks.services.moves import move
from deployments.server_tasks.services.queue import expire_queued, schedule, set_node_task_cap
from deployments.server_tasks.services.supersede import supersede_paused, supersede_queued

__all__ = [
    "abandon_task",
    "cancel_task",
    "correct_state",
    "enqueue",
    "expire_queued",
    "move",
    "move_to_top",
    "rerun",
    "schedule",
    "set_node_task_cap",
    "supersede_paused",
    "supersede_queued",
]
