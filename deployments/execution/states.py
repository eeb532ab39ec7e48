"""The states of an action execution; free of Django."""

from enum import StrEnum
from typing import Final


class ExecutionState(StrEnum):
    PENDING = "Pending"
    RUNNING = "Running"
    WAITING = "Waiting"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"
    SKIPPED = "Skipped"
    # Its machine was not available, and takes no further part in the task.
    LEFT_OUT = "LeftOut"
    LOST = "Lost"


LIVE: Final = (ExecutionState.PENDING, ExecutionState.RUNNING, ExecutionState.WAITING)
ENDED: Final = frozenset(
    {
        ExecutionState.SUCCEEDED,
        ExecutionState.FAILED,
        ExecutionState.CANCELED,
        ExecutionState.SKIPPED,
        ExecutionState.LEFT_OUT,
        ExecutionState.LOST,
    }
)
