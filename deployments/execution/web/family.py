"""The tasks that a task waits for, and the one that waits for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.base import public_ids
from deployments.execution.models import ActionExecution
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.enqueue import PARENT_TASK


@dataclass(frozen=True, slots=True)
class Family:
    """Relatives of a task that the reader may see."""

    parent: ServerTask | None
    children: list[ServerTask]


def family_of(
    request: PageRequest, task: ServerTask, executions: Iterable[ActionExecution]
) -> Family:
    """Return the relatives of the task; no query for one that has none."""
    parent = str(task.arguments.get(PARENT_TASK, ""))
    children = [row.follows for row in executions if row.follows]
    numbers = {text: public_ids.parse(ServerTask.id_prefix, text) for text in (parent, *children)}
    wanted = [number for number in numbers.values() if number]
    if not wanted:
        return Family(None, [])
    visible = ServerTask.objects.visible_to(request.actor, request.space, Permission.TaskView)
    found = visible.in_bulk(wanted)
    return Family(
        found.get(numbers[parent] or 0),
        [found[number] for text in children if (number := numbers[text]) in found and number],
    )
