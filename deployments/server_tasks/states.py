"""The states of a server task and the only allowed moves between them; free of Django."""

from enum import StrEnum
from typing import Final


class TaskState(StrEnum):
    QUEUED = "Queued"
    EXECUTING = "Executing"
    PAUSED = "Paused"
    CANCELLING = "Cancelling"
    SUCCESS = "Success"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TIMED_OUT = "TimedOut"


FINISHED: Final = frozenset(
    {TaskState.SUCCESS, TaskState.FAILED, TaskState.CANCELED, TaskState.TIMED_OUT}
)
ACTIVE: Final = frozenset(TaskState) - FINISHED
RUNNING: Final = frozenset({TaskState.EXECUTING, TaskState.PAUSED, TaskState.CANCELLING})

MOVES: Final[dict[TaskState, frozenset[TaskState]]] = {
    TaskState.QUEUED: frozenset(
        {TaskState.EXECUTING, TaskState.CANCELED, TaskState.TIMED_OUT, TaskState.FAILED}
    ),
    TaskState.EXECUTING: frozenset(
        {TaskState.PAUSED, TaskState.CANCELLING, TaskState.SUCCESS, TaskState.FAILED}
    ),
    TaskState.PAUSED: frozenset({TaskState.EXECUTING, TaskState.CANCELED, TaskState.FAILED}),
    TaskState.CANCELLING: frozenset({TaskState.CANCELED, TaskState.FAILED}),
    TaskState.SUCCESS: frozenset(),
    TaskState.FAILED: frozenset(),
    TaskState.CANCELED: frozenset(),
    TaskState.TIMED_OUT: frozenset(),
}


def sources_of(target: TaskState) -> frozenset[TaskState]:
    """Return the states from which `target` may be reached."""
    return frozenset(source for source, targets in MOVES.items() if target in targets)
