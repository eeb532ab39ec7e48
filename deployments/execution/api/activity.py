"""The activity tree of a task: task, then steps, then targets with all their lines."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from deployments.base.api.dates import to_wire
from deployments.execution.logs.queries import Line, last_lines_of, task_lines
from deployments.execution.logs.steps import StepNode, read_steps, status_of
from deployments.execution.models import ActionExecution
from deployments.execution.plan import Plan
from deployments.execution.states import ENDED, ExecutionState
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import TaskState

MOST_LINES: Final = 10_000
_TASK_STATUS: Final = {
    TaskState.QUEUED: "Pending",
    TaskState.EXECUTING: "Running",
    TaskState.PAUSED: "Running",
    TaskState.CANCELLING: "Running",
    TaskState.SUCCESS: "Success",
    TaskState.FAILED: "Failed",
    TaskState.CANCELED: "Canceled",
    TaskState.TIMED_OUT: "Canceled",
}


def activity_tree(task: ServerTask, *, tail: int, verbose: bool) -> dict[str, Any]:
    """Return the resource TaskDetails without the task itself."""
    plan, steps = read_steps(task)
    executions = [row for step in steps for row in step.executions]
    lines = last_lines_of(executions, min(tail, MOST_LINES), up_to=task.last_event_number)
    counter = iter(range(1, 1_000_000))

    def elements(of_node: Iterable[Line]) -> list[dict[str, Any]]:
        return [_element(line) for line in of_node if verbose or line.level != "verbose"]

    children = [_step_node(task, step, lines, elements, counter) for step in steps]
    root = {
        **_activity(f"{task.public_id}/0", task.description),
        "Status": _TASK_STATUS[TaskState(task.state)],
        "Started": to_wire(task.started),
        "Ended": to_wire(task.completed),
        "ShowAtSummaryLevel": True,
        "ProgressPercentage": _progress(task, plan, executions),
        "LogElements": elements(task_lines(task)),
        "Children": children,
    }
    return {
        "Id": task.public_id,
        "ActivityLogs": [root],
        "PhysicalLogSize": sum(row.log_length for row in executions),
        "Progress": {
            "ProgressPercentage": root["ProgressPercentage"],
            "EstimatedTimeRemaining": "00:00:00",
        },
    }


def _step_node(
    task: ServerTask,
    step: StepNode,
    lines: dict[int, list[Line]],
    elements: Callable[[Iterable[Line]], list[dict[str, Any]]],
    counter: Iterator[int],
) -> dict[str, Any]:
    begun = [row.started or row.queued for row in step.executions]
    done = bool(step.executions) and all(row.state in ENDED for row in step.executions)
    ended = [row.finished for row in step.executions if row.finished]
    return {
        **_activity(f"{task.public_id}_{next(counter)}/1", step.title),
        "Status": step.status,
        "Started": to_wire(min(begun)) if begun else None,
        "Ended": to_wire(max(ended)) if done and ended else None,
        "ShowAtSummaryLevel": True,
        "Children": [
            {
                **_activity(f"{task.public_id}_{next(counter)}/2", step.name_of(row)),
                "Status": status_of(row),
                "Started": to_wire(row.started),
                "Ended": to_wire(row.finished),
                "ProgressPercentage": 100 if row.state in ENDED else row.progress_percentage,
                "ProgressMessage": row.progress_message,
                "LogElements": elements(lines.get(row.pk, ())) or _reason(row),
            }
            for row in step.executions
        ],
    }


def _activity(node_id: str, name: str) -> dict[str, Any]:
    return {
        "Id": node_id,
        "Name": name,
        "ShowAtSummaryLevel": False,
        "ProgressPercentage": 0,
        "ProgressMessage": "",
        "LogElements": [],
        "Children": [],
    }


def _element(line: Line) -> dict[str, Any]:
    moment = datetime.fromtimestamp(line.time_ms / 1000, tz=UTC)
    return {
        "Category": line.level.capitalize(),
        "OccurredAt": to_wire(moment),
        "MessageText": line.text,
        "Detail": None,
        "Number": line.number,
    }


def _reason(row: ActionExecution) -> list[dict[str, Any]]:
    """Return why something ended that printed nothing."""
    if not row.error_message:
        return []
    skipped = row.state in (ExecutionState.SKIPPED, ExecutionState.LEFT_OUT)
    return [
        {
            "Category": "Info" if skipped else "Error",
            "OccurredAt": to_wire(row.finished),
            "MessageText": row.error_message,
            "Detail": None,
            "Number": 1,
        }
    ]


def _progress(task: ServerTask, plan: Plan | None, rows: Sequence[ActionExecution]) -> int:
    if task.is_completed:
        return 100
    if plan is None:
        return 0
    ended = {(row.action_id, row.target_id) for row in rows if row.state in ENDED}
    return len(ended) * 100 // max(1, plan.places)
