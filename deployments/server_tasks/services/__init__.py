"""What may be done to server tasks."""

from deployments.server_tasks.services.administer import correct_state, move_to_top, rerun
from deployments.server_tasks.services.cancel import abandon_task, cancel_task
from deployments.server_tasks.services.enqueue import enqueue
from deployments.server_tasks.services.moves import move
from deployments.server_tasks.services.nodes import (
    default_task_cap,
    delete_node,
    report_node,
    set_default_task_cap,
    update_node,
)
from deployments.server_tasks.services.queue import expire_queued, schedule
from deployments.server_tasks.services.supersede import supersede_paused, supersede_queued

__all__ = [
    "abandon_task",
    "cancel_task",
    "correct_state",
    "default_task_cap",
    "delete_node",
    "enqueue",
    "expire_queued",
    "move",
    "move_to_top",
    "report_node",
    "rerun",
    "schedule",
    "set_default_task_cap",
    "supersede_paused",
    "supersede_queued",
    "update_node",
]
