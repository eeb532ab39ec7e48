"""The steps of a task with what ran of them, and their states on the wire."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deployments.execution.acquisition import PREFIX
from deployments.execution.models import ActionExecution, ExecutionPlan
from deployments.execution.plan import Plan, PlannedStep, plan_from_json
from deployments.execution.states import ExecutionState
from deployments.server_tasks.models import ServerTask

_STATUS: Final = {
    ExecutionState.PENDING: "Pending",
    ExecutionState.RUNNING: "Running",
    ExecutionState.WAITING: "Running",
    ExecutionState.SUCCEEDED: "Success",
    ExecutionState.FAILED: "Failed",
    ExecutionState.LOST: "Failed",
    ExecutionState.CANCELED: "Canceled",
    ExecutionState.SKIPPED: "Skipped",
    ExecutionState.LEFT_OUT: "Skipped",
}
# The first of these that a step's places have is the step's own.
_WORST: Final = ("Running", "Failed", "Canceled", "Pending", "SuccessWithWarning", "Success")


@dataclass(frozen=True, slots=True)
class StepNode:
    """A step with what has run of it; `number` is its place in the process, if any."""

    number: int
    name: str
    executions: tuple[ActionExecution, ...]

    @property
    def title(self) -> str:
        return f"Step {self.number}: {self.name}" if self.number else self.name

    @property
    def status(self) -> str:
        """Return the status on the wire."""
        found = {status_of(row) for row in self.executions}
        if not found:
            return "Pending"
        return next((status for status in _WORST if status in found), "Skipped")

    def name_of(self, row: ActionExecution) -> str:
        """Return the name of one place's node."""
        name = row.target_name
        if len({other.action_id for other in self.executions}) > 1:
            name = f"{name}: {row.action_name}"
        return name if row.attempt == 1 else f"{name} (attempt {row.attempt})"


def read_steps(task: ServerTask) -> tuple[Plan | None, list[StepNode]]:
    """Return the plan, None before the start, and its steps with their executions."""
    stored = ExecutionPlan.objects.in_space(task.space).filter(task=task).only("document").first()
    if stored is None:
        return None, []
    plan = plan_from_json(stored.document)
    by_step: dict[str, list[ActionExecution]] = {}
    rows = ActionExecution.objects.in_space(task.space).filter(task=task).defer("log_state")
    for row in rows.order_by("id"):
        row.space = task.space
        by_step.setdefault(row.step_id, []).append(row)
    return plan, [_node(step, by_step.get(step.id, [])) for step in plan.steps]


def status_of(row: ActionExecution) -> str:
    """Return the status of an execution on the wire."""
    status = _STATUS[ExecutionState(row.state)]
    return "SuccessWithWarning" if status == "Success" and row.has_warnings else status


def _node(step: PlannedStep, rows: Sequence[ActionExecution]) -> StepNode:
    number = 0 if step.id.startswith(PREFIX) else step.number
    return StepNode(number, step.name, tuple(rows))
