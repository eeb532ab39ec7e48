"""The end of a task: its state, its event, and what the deployment touched."""

from typing import cast

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import record
from deployments.base.wake import wake
from deployments.execution.decide import excluded_machines
from deployments.execution.decision import Finish
from deployments.execution.logs.append import write_lines
from deployments.execution.services.cancel_live import close_questions
from deployments.execution.services.health.judge import end_of_checks
from deployments.execution.services.server_actions.following import wake_followers
from deployments.execution.services.situation import Situation
from deployments.execution.states import ExecutionState
from deployments.infrastructure.services.health import KIND as HEALTH
from deployments.releases.models import Deployment, Run, RunbookRun
from deployments.releases.queries import tasks_of_runbook
from deployments.releases.services.runbook_runs import KIND as RUNBOOK_RUN
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import move, supersede_paused
from deployments.server_tasks.states import TaskState

_CATEGORIES = {
    TaskState.EXECUTING: ("DeploymentStarted", "started"),
    TaskState.SUCCESS: ("DeploymentSucceeded", "succeeded"),
    TaskState.FAILED: ("DeploymentFailed", "failed"),
    TaskState.CANCELED: ("TaskCanceled", "was canceled"),
}
_BAD = frozenset({ExecutionState.FAILED, ExecutionState.LOST})


def record_start(task: ServerTask, *, clock: Clock = utc_now) -> None:
    """Record that the deployment begins; joins the caller's transaction."""
    _record(task, _run_of(task), TaskState.EXECUTING, None, clock)


def finish_task(situation: Situation, finish: Finish, *, clock: Clock = utc_now) -> None:
    """End the task as decided; joins the caller's transaction."""
    warned = any(row.has_warnings or row.state in _BAD for row in situation.rows)
    reason = finish.reason
    if situation.task.kind == HEALTH:
        reason = end_of_checks(situation.task, clock=clock) or reason
    _end(
        situation.task,
        finish.state,
        reason,
        warned=warned,
        machines=_deployed_machines(situation),
        clock=clock,
    )


def _deployed_machines(situation: Situation) -> tuple[str, ...]:
    """Return the targets that took part to the end."""
    excluded = excluded_machines([row.seen for row in situation.rows])
    return tuple(one for one in situation.plan.target_ids() if one not in excluded)


def end_task(
    task: ServerTask, reason: str, *, canceled: bool = False, clock: Clock = utc_now
) -> None:
    """End a task that cannot be planned or advanced."""
    state = TaskState.CANCELED if canceled else TaskState.FAILED
    _end(task, state, reason, warned=True, machines=(), clock=clock)


def succeed_task(task: ServerTask, *, clock: Clock = utc_now) -> None:
    """End a task without a plan that has done its work."""
    _end(task, TaskState.SUCCESS, "", warned=False, machines=(), clock=clock)


def _end(
    task: ServerTask,
    state: TaskState,
    reason: str,
    *,
    warned: bool,
    machines: tuple[str, ...],
    clock: Clock,
) -> None:
    if state == TaskState.CANCELED:
        # One that was asked to stop while it was paused, and then resumed.
        move(task.pk, TaskState.CANCELLING, now=clock(), sources=[TaskState.EXECUTING])
    moved = move(
        task.pk,
        state,
        now=clock(),
        # A task that was superseded has its reason already.
        error_message=reason or task.error_message,
        has_warnings_or_errors=warned or state == TaskState.FAILED,
    )
    if not moved:
        return
    if task.has_pending_interruptions:
        close_questions(task, now=clock())
    if reason:
        write_lines(task, None, [("error", reason)])
    run = _run_of(task)
    _record(task, run, state, machines, clock)
    if state == TaskState.SUCCESS:
        _cancel_superseded(task, run, clock)
    wake_followers(task)
    wake("server_tasks.schedule")


def _cancel_superseded(task: ServerTask, run: Run | None, clock: Clock) -> None:
    """Cancel older ones that wait for people, where the project or runbook wants it."""
    if run is not None and run.frozen.settings_in_force.cancel_superseded_paused:
        among = tasks_of_runbook(run) if isinstance(run, RunbookRun) else None
        supersede_paused(task=task, among=among, clock=clock)


def _record(
    task: ServerTask,
    run: Run | None,
    state: TaskState,
    machines: tuple[str, ...] | None,
    clock: Clock,
) -> None:
    category, words = _CATEGORIES[state]
    if run is None:
        return
    if machines is not None:
        run.deployed_machines = list(machines)
        run.save(update_fields=["deployed_machines"])
    if isinstance(run, RunbookRun):
        what = f"Run of the runbook {run.runbook.name} of {run.project.name} in"
        category = category.replace("Deployment", "RunbookRun")
    else:
        what = f"Deployment of {run.project.name} release {run.release.version} to"
    record(
        actor=Actor.system("the deployment goes on"),
        space=task.space,
        category=category,
        message=f"{what} {run.environment.name} {words}",
        subject=run.public_id,
        related=[
            run.project.public_id,
            run.frozen.public_id,
            run.environment.public_id,
            task.public_id,
            run.frozen.channel_scope or run.frozen.process_owner,
            *(machines or ()),
        ],
        clock=clock,
    )


def _run_of(task: ServerTask) -> Run | None:
    """Return the deployment or the runbook run that the task carries out, read once."""
    near = task._state.fields_cache  # noqa: SLF001 Django's name for what was read along
    for name in ("deployment", "runbook_run"):
        if (run := near.get(name)) is not None:
            return cast("Run", run)
    if task.kind == RUNBOOK_RUN:
        runs = RunbookRun.objects.in_space(task.space).filter(task=task)
        return runs.select_related("project", "runbook", "snapshot__runbook", "environment").first()
    deployments = Deployment.objects.in_space(task.space).filter(task=task)
    return deployments.select_related("project", "release__project", "environment").first()
