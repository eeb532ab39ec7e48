"""The health check that the step queues, and what the deployment makes of its result."""

from collections.abc import Collection, Iterable

from django.db.models import Max

from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import utc_now
from deployments.execution.guided import Answer
from deployments.execution.models import ActionExecution
from deployments.execution.plan import SERVER_PLACE
from deployments.execution.states import ExecutionState
from deployments.execution.steps.step_type import Result, ServerAction
from deployments.execution.variables import Variables
from deployments.infrastructure.services.health import CHECK_TYPE, CONNECTION_TEST, KIND
from deployments.infrastructure.services.health_results import subjects_of
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import enqueue
from deployments.server_tasks.services.enqueue import PARENT_TASK

PREFIX = "Octopus.Action.HealthCheck"
FULL = "FullHealthCheck"
AS_ERRORS, AS_WARNINGS = "TreatExceptionsAsErrors", "TreatExceptionsAsWarnings"
UNCHANGED, INCLUDED = "DoNotAlterMachines", "IncludeCheckedMachines"
_BROKEN = "The step was started without its execution."
_NAMED = 5


def check(variables: Variables) -> str:
    """Return why the step cannot run."""
    if variables.text(f"{PREFIX}.Type", FULL) not in {"", FULL, CONNECTION_TEST}:
        return f"The type of a health check must be {FULL} or {CONNECTION_TEST}."
    if variables.text(f"{PREFIX}.ErrorHandling", AS_ERRORS) not in {"", AS_ERRORS, AS_WARNINGS}:
        return f"The error handling of a health check must be {AS_ERRORS} or {AS_WARNINGS}."
    wish = variables.text(f"{PREFIX}.IncludeMachinesInDeployment", UNCHANGED)
    if wish not in {"", UNCHANGED, INCLUDED}:
        return f"What becomes of new targets must be {UNCHANGED} or {INCLUDED}."
    return ""


def begin(action: ServerAction) -> str | Result:
    """Queue a check of the step's targets that still take part; return the task's id."""
    execution = action.execution
    if execution is None or action.step is None:
        return Result(_BROKEN)
    task = execution.task
    lanes = action.step.lanes if execution.target_id == SERVER_PLACE else (execution.target_id,)
    gone = _gone(task)
    ids = [lane for lane in lanes if lane != SERVER_PLACE and lane not in gone]
    if _takes_in(action):
        if execution.target_id != SERVER_PLACE:
            return Result("A rolling step cannot take new targets into the deployment.")
        new = action.newcomers()
        if new:
            action.log("info", f"New: {_named(new.values())}.")
        ids += new
    if not ids:
        action.log("info", "No target that still takes part has to be checked.")
        return Result()
    kind = action.variables.text(f"{PREFIX}.Type") or FULL
    queued = enqueue(
        actor=Actor.system(f"{execution.action_name} of {task.public_id}"),
        space=task.space,
        kind=KIND,
        description=f"Check health for {task.description}",
        arguments={"MachineIds": ids, CHECK_TYPE: kind, PARENT_TASK: task.public_id},
        priority=task.priority,
        project_number=task.project_number,
        environment_number=task.environment_number,
        tenant_number=task.tenant_number,
    )
    number = len(ids)
    words = "1 target" if number == 1 else f"{number} targets"
    action.log("info", f"{queued.public_id} checks the health of {words}.")
    return queued.public_id


def look(action: ServerAction, task_id: str) -> Result | None:
    """Fail, or leave out what failed the check, once the check has ended."""
    execution = action.execution
    if execution is None:
        return Result(_BROKEN)
    number = public_ids.parse(ServerTask.id_prefix, task_id) or 0
    task = ServerTask.objects.in_space(execution.space).filter(pk=number).first()
    if task is None:
        return Result(f"The health check {task_id} does not exist any more.")
    if not task.is_completed:
        return None
    bad = _failed(task)
    if _takes_in(action):
        _take_in(action, task, bad)
    for name, reason in bad.values():
        action.log("warning", f"{name}: {reason}")
    if not bad:
        return Result()
    total = len(task.arguments["MachineIds"])
    named = _named([name for name, _ in bad.values()])
    if (action.variables.text(f"{PREFIX}.ErrorHandling") or AS_ERRORS) == AS_ERRORS:
        return Result(f"{len(bad)} of {total} targets failed the health check: {named}.")
    lanes = action.step.lanes if action.step else ()
    _leave_out(execution, {key: why for key, why in bad.items() if key in lanes})
    action.log("warning", f"Left out of the rest of the deployment: {named}.")
    return Result()


def _takes_in(action: ServerAction) -> bool:
    return action.variables.text(f"{PREFIX}.IncludeMachinesInDeployment") == INCLUDED


def _take_in(action: ServerAction, task: ServerTask, bad: Collection[str]) -> None:
    """Let the new targets that are in order take part in the rest of the deployment."""
    lanes = action.step.lanes if action.step else ()
    new = [text for text in map(str, task.arguments["MachineIds"]) if text not in lanes]
    good = [text for text in new if text not in bad]
    if good:
        action.take_in(good)
        names = [row.name for row in subjects_of(task.space, good)]
        action.log("info", f"Taken into the rest of the deployment: {_named(names)}.")


def _named(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    all_names = list(names)
    more = f" and {len(all_names) - _NAMED} more" if len(all_names) > _NAMED else ""
    return ", ".join(all_names[:_NAMED]) + more


def _failed(task: ServerTask) -> dict[str, tuple[str, str]]:
    """Return name and reason of each machine that the check did not find in order."""
    ids = [str(text) for text in task.arguments["MachineIds"]]
    rows = ActionExecution.objects.in_space(task.space).filter(task=task)
    ended = {
        target: (name, state, error)
        for target, name, state, error in rows.order_by("attempt").values_list(
            "target_id", "target_name", "state", "error_message"
        )
    }
    names = {row.public_id: row.name for row in subjects_of(task.space, ids)}
    bad = {}
    for target in ids:
        name, state, error = ended.get(target, (names.get(target, target), "", ""))
        if state != ExecutionState.SUCCEEDED:
            bad[target] = (name, error or task.error_message or "It was not checked.")
    return bad


def _gone(task: ServerTask) -> set[str]:
    """Return the machines that have left the deployment already."""
    rows = ActionExecution.objects.in_space(task.space).filter(task=task)
    left = rows.filter(state=ExecutionState.LEFT_OUT).values_list("target_id", flat=True)
    excluded = rows.filter(interruption__result=Answer.EXCLUDE)
    return {*left, *excluded.values_list("target_id", flat=True)}


def _leave_out(execution: ActionExecution, bad: dict[str, tuple[str, str]]) -> None:
    """Record for each machine an attempt by which it leaves the deployment."""
    now = utc_now()
    mine = ActionExecution.objects.in_space(execution.space).filter(
        task=execution.task_id, action_id=execution.action_id
    )
    attempts = dict(mine.values_list("target_id").annotate(Max("attempt")))
    ActionExecution.objects.bulk_create(
        [
            ActionExecution(
                space_id=execution.space_id,
                task_id=execution.task_id,
                step_id=execution.step_id,
                step_name=execution.step_name,
                step_number=execution.step_number,
                action_id=execution.action_id,
                action_name=execution.action_name,
                action_type=execution.action_type,
                target_id=target,
                target_name=name,
                attempt=attempts.get(target, 0) + 1,
                state=ExecutionState.LEFT_OUT,
                queued=now,
                finished=now,
                error_message=reason,
                has_warnings=True,
            )
            for target, (name, reason) in bad.items()
        ]
    )
