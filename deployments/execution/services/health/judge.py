"""Takes what the commands of a health check have brought to the targets and workers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from deployments.base.clock import Clock, utc_now
from deployments.execution.logs.append import write_lines
from deployments.execution.logs.queries import all_lines
from deployments.execution.models import ActionExecution
from deployments.execution.services.health.plan import Subject
from deployments.execution.services.health.verdict import CheckEnd, verdict_of
from deployments.execution.states import ENDED, LIVE, ExecutionState
from deployments.infrastructure.health.policy import HealthPolicy
from deployments.infrastructure.models import Worker
from deployments.infrastructure.models.machine import HealthStatus
from deployments.infrastructure.services.health_results import (
    Finding,
    delete_unavailable,
    is_to_be_deleted,
    store_finding,
    subjects_of,
)
from deployments.infrastructure.services.policies import health_policy_of
from deployments.infrastructure.services.policy_upgrades import upgrade_after_check
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.enqueue import PARENT_TASK

_LEVELS: Final = {
    HealthStatus.HEALTHY: "info",
    HealthStatus.HAS_WARNINGS: "warning",
    HealthStatus.UNHEALTHY: "error",
    HealthStatus.UNAVAILABLE: "error",
}
_LABELS: Final = {HealthStatus.HAS_WARNINGS: "Has warnings"}
_WELL: Final = frozenset({HealthStatus.HEALTHY, HealthStatus.HAS_WARNINGS})
_NOTABLE: Final = frozenset({"warning", "error"})
_NAMED: Final = 5


def judge_checks(task: ServerTask) -> bool:
    """Store the health of every machine whose command has ended; repeating changes nothing.

    Returns whether there was news; what was read of the task before is outdated then. An absence
    that the machine's policy allows makes its execution a skipped one, and an error that the script
    reported makes it a failed one, before the task's outcome is decided.
    """
    ended = ActionExecution.objects.in_space(task.space).filter(task=task, state__in=ENDED)
    executions = {row.target_id: row for row in ended.defer("log_state").order_by("attempt")}
    has_news = False
    with transaction.atomic():
        for subject in subjects_of(task.space, list(executions)):
            execution = executions[subject.public_id]
            if execution.finished and _is_news(subject, execution.finished):
                execution.space, execution.task = task.space, task
                has_news |= _judge(execution, subject)
    return has_news


def end_of_checks(task: ServerTask, *, clock: Clock = utc_now) -> str:
    """Delete what its policy gives up, upgrade agents; return why the task fails, if it does.

    Joins the transaction that ends the task.
    """
    ids = [str(text) for text in task.arguments.get("MachineIds") or ()]
    subjects = [
        row for row in subjects_of(task.space, ids) if row.last_check_task == task.public_id
    ]
    bad = [
        row
        for row in subjects
        if row.health_status == HealthStatus.UNHEALTHY
        or (row.health_status == HealthStatus.UNAVAILABLE and not _rules(row).may_be_offline)
    ]
    # A deployment that waits for the check may be about to use them.
    for row in () if task.arguments.get(PARENT_TASK) else subjects:
        if is_to_be_deleted(row, _rules(row)) and not _is_busy(row):
            write_lines(task, None, [("warning", delete_unavailable(row, clock=clock))])
    _upgrade_agents(task, subjects, clock)
    return _reason(bad, len(subjects)) if bad else ""


def _upgrade_agents(task: ServerTask, subjects: Sequence[Subject], clock: Clock) -> None:
    """Let the policies upgrade the outdated agents of what was found well."""
    well = [row for row in subjects if row.health_status in _WELL]
    for policy in {row.policy_id: row.policy for row in well}.values():
        rows = [row for row in well if row.policy_id == policy.pk]
        asked = {upgrade.agent_id for upgrade in upgrade_after_check(policy, rows, clock=clock)}
        for row in rows:
            if row.agent_id in asked:
                text = f"The machine policy {policy.name} upgrades the agent of {row.name}."
                write_lines(task, None, [("info", text)])


def _is_news(subject: Subject, finished: datetime) -> bool:
    return subject.last_check is None or subject.last_check < finished


def _judge(execution: ActionExecution, subject: Subject) -> bool:
    found = verdict_of(_end_of(execution))
    if found is None or execution.finished is None:
        return False
    status, summary = found
    rules = _rules(subject)
    is_excused = status == HealthStatus.UNAVAILABLE and rules.may_be_offline
    if is_excused:
        reason = f"{summary} Its machine policy lets it be offline."
        _change(execution, ExecutionState.SKIPPED, reason)
    elif status == HealthStatus.UNHEALTHY and execution.state == ExecutionState.SUCCEEDED:
        _change(execution, ExecutionState.FAILED, f"The script reported an error: {summary}")
    finding = Finding(status, summary, execution.finished, execution.task.public_id)
    if store_finding(subject, finding, rules):
        label = _LABELS.get(status, str(status))
        level = "warning" if is_excused else _LEVELS[status]
        line = f"{subject.name}: {label}. {summary}"
        write_lines(execution.task, None, [(level, line)])
    return True


def _end_of(execution: ActionExecution) -> CheckEnd:
    state = ExecutionState(execution.state)
    notable: Sequence[tuple[str, str]] = ()
    if execution.has_warnings and state == ExecutionState.SUCCEEDED:
        lines = all_lines(execution)
        notable = [(line.level, line.text) for line in lines if line.level in _NOTABLE]
    return CheckEnd(
        state=state,
        was_started=execution.started is not None,
        exit_code=execution.exit_code,
        error=execution.error_message,
        notable=notable,
    )


def _change(execution: ActionExecution, state: ExecutionState, reason: str) -> None:
    rows = ActionExecution.objects.in_space(execution.space).filter(pk=execution.pk)
    rows.update(state=state, error_message=reason)


def _rules(subject: Subject) -> HealthPolicy:
    return health_policy_of(subject.policy)


def _is_busy(subject: Subject) -> bool:
    """Tell whether something else still counts on the machine."""
    live = ActionExecution.objects.in_space(subject.space).filter(state__in=LIVE)
    return live.filter(agent=subject.agent_id).exists()


def _reason(bad: Sequence[Subject], total: int) -> str:
    words = {HealthStatus.UNAVAILABLE: "unavailable", HealthStatus.UNHEALTHY: "unhealthy"}
    named = ", ".join(
        f"{row.name} ({words[HealthStatus(row.health_status)]})" for row in bad[:_NAMED]
    )
    more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    of_kind = "workers" if all(isinstance(row, Worker) for row in bad) else "targets"
    return f"{len(bad)} of {total} {of_kind} failed the health check: {named}{more}."
