"""What is known of a task when it is advanced, read with a constant number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from deployments.access.providers.step_tokens import issue_step_token
from deployments.base.secrets import secret_box
from deployments.execution.decide import forgiven_machines
from deployments.execution.decision import Seen
from deployments.execution.guided import FORGIVEN, KIND, Answer, answer_of
from deployments.execution.manifest import (
    Manifest,
    TokenRequest,
    Value,
    manifest_from_text,
    manifest_to_text,
)
from deployments.execution.models import ActionExecution, ExecutionPlan, OutputVariable
from deployments.execution.plan import Plan, PlannedAction, PlannedStep, plan_from_json
from deployments.execution.progress_variables import Status
from deployments.execution.services.outputs import open_value
from deployments.execution.states import ExecutionState
from deployments.execution.variables import Output, Shared
from deployments.server_tasks.models import ServerTask


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of an execution that decisions need."""

    pk: int
    action_id: str
    action_name: str
    target_id: str
    target_name: str
    attempt: int
    state: ExecutionState
    seen: Seen
    error: str
    has_warnings: bool
    agent_id: int | None


@dataclass
class Situation:
    """A task, its plan and its executions; secrets and outputs are read when asked for."""

    task: ServerTask
    row: ExecutionPlan
    plan: Plan
    rows: Sequence[Row]

    @cached_property
    def actions(self) -> dict[str, tuple[PlannedStep, PlannedAction]]:
        """Return each action with its step, by the action's id."""
        return {action.id: (step, action) for step in self.plan.steps for action in step.actions}

    @cached_property
    def manifest(self) -> Manifest:
        return open_manifest(self.row)

    @cached_property
    def shared(self) -> Shared:
        forgiven = forgiven_machines([row.seen for row in self.last_rows])
        statuses = [
            Status(
                row.action_id,
                row.target_id,
                row.state,
                row.error,
                is_forgiven=row.seen.answer in FORGIVEN or row.target_id in forgiven,
            )
            for row in self.last_rows
        ]
        return Shared(self.plan, self.manifest, self._outputs(), statuses, sign=_signed)

    @cached_property
    def last_rows(self) -> list[Row]:
        """Return the last attempt of each action at each place."""
        last: dict[tuple[str, str], Row] = {}
        for row in self.rows:
            known = last.get((row.action_id, row.target_id))
            if known is None or known.attempt < row.attempt:
                last[row.action_id, row.target_id] = row
        return list(last.values())

    def _outputs(self) -> list[Output]:
        if not self.rows:
            return []
        by_pk = {row.pk: row for row in self.last_rows}
        found = OutputVariable.objects.in_space(self.task.space).filter(task=self.task)
        return [
            Output(
                action_name=by_pk[output.execution_id].action_name,
                target_id=by_pk[output.execution_id].target_id,
                target_name=by_pk[output.execution_id].target_name,
                name=output.name,
                value=Value(open_value(output), output.is_sensitive),
            )
            for output in found
            if output.execution_id in by_pk
        ]


def _signed(request: TokenRequest, life: timedelta) -> str:
    return issue_step_token(subject=request.subject, audience=request.audience, life=life)


def read_situation(task: ServerTask, plan: ExecutionPlan) -> Situation:
    """Read the executions of a task that has a plan."""
    columns = (
        "pk",
        "action_id",
        "action_name",
        "target_id",
        "target_name",
        "attempt",
        "state",
        "finished",
        "error_message",
        "has_warnings",
        "agent_id",
        "interruption__kind",
        "interruption__is_pending",
        "interruption__result",
    )
    found = ActionExecution.objects.in_space(task.space).filter(task=task)
    rows = [_row(values) for values in found.order_by("pk").values_list(*columns)]
    if plan.document.get("may_grow"):
        # After the executions: whoever sees that a step has ended sees the targets it took in.
        plan.refresh_from_db(fields=["document", "sealed_variables"])
    return Situation(task, plan, plan_from_json(plan.document), rows)


def _row(columns: tuple[Any, ...]) -> Row:
    *values, kind, is_pending, result = columns
    pk, action_id, action_name, target_id, target_name, attempt, text, finished, *rest = values
    state = ExecutionState(text)
    moment = finished.timestamp() if finished else None
    answer = answer_of(is_pending=is_pending, result=result) if kind == KIND else Answer.NONE
    seen = Seen(action_id, target_id, attempt, state, moment, answer)
    return Row(pk, action_id, action_name, target_id, target_name, attempt, state, seen, *rest)


def seal_manifest(manifest: Manifest, task_pk: int) -> bytes:
    """Return the manifest as it is stored."""
    return secret_box().seal(manifest_to_text(manifest), place=manifest_place(task_pk))


def open_manifest(row: ExecutionPlan) -> Manifest:
    """Return the manifest of a plan."""
    sealed = bytes(row.sealed_variables)
    return manifest_from_text(secret_box().open(sealed, place=manifest_place(row.task_id)).reveal())


def manifest_place(task_pk: int) -> str:
    """Return what the manifest of a task is bound to."""
    return f"manifest:{task_pk}"
