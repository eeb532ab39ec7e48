"""Actions that wait for another task of the server: found when it has ended, let go on cancel."""

from collections.abc import Sequence
from datetime import datetime

from deployments.base import public_ids
from deployments.base.querysets import SpaceQuerySet
from deployments.base.wake import wake
from deployments.execution.models import ActionExecution
from deployments.execution.states import ExecutionState
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.enqueue import PARENT_TASK
from deployments.server_tasks.states import FINISHED

_EVERY_SPACE = "the engine runs the actions of every space"


def wake_followers(task: ServerTask) -> None:
    """Wake after commit what waits for the task, which has just ended."""
    if not task.arguments.get(PARENT_TASK):
        return
    for pk in _following().filter(follows=task.public_id).values_list("pk", flat=True):
        wake("execution.run_server_action", pk)


def followers_of_ended_tasks() -> list[int]:
    """Return the actions whose task has ended, however it did; for the sweep."""
    pairs = list(_following().values_list("pk", "follows"))
    if not pairs:
        return []
    numbers = {follows: public_ids.parse(ServerTask.id_prefix, follows) for _, follows in pairs}
    tasks = ServerTask.objects.unscoped(reason=_EVERY_SPACE)
    wanted = [number for number in numbers.values() if number]
    live = set(tasks.filter(pk__in=wanted).exclude(state__in=FINISHED).values_list("pk", flat=True))
    return [pk for pk, follows in pairs if numbers[follows] not in live]


def end_following(pks: Sequence[int], *, now: datetime) -> int:
    """End those of the actions that follow a task, which goes on by itself; return how many."""
    ended = 0
    for pk, follows in list(_following().filter(pk__in=pks).values_list("pk", "follows")):
        mine = _following().filter(pk=pk)
        ended += mine.update(
            state=ExecutionState.CANCELED,
            finished=now,
            error_message=f"It was canceled; {follows} goes on.",
        )
    return ended


def _following() -> SpaceQuerySet[ActionExecution]:
    rows = ActionExecution.objects.unscoped(reason=_EVERY_SPACE)
    return rows.filter(state=ExecutionState.RUNNING, agent=None).exclude(follows="")
