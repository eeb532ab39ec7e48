"""Carries a decision out: rows of executions, messages for agents, interruptions.

Called inside the transaction that settles the lease; a constant number of queries whatever the
number of targets.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import structlog

from agent.contracts import limits
from agent.language import LimitExceeded
from deployments.base.rows import insert_rows
from deployments.base.wake import wake
from deployments.execution.acquisition import ACTION_TYPE, acquired_actions
from deployments.execution.decision import Cancel, Skip, Start
from deployments.execution.logs.append import write_lines
from deployments.execution.manifest import FORCE_PACKAGE_DOWNLOAD, ActionData, PackageFile
from deployments.execution.models import ActionExecution, AgentMessage, Interruption
from deployments.execution.models.mailbox import new_message_id
from deployments.execution.plan import Placement, PlannedAction, PlannedStep
from deployments.execution.references import turn_within
from deployments.execution.services.admission import away, place_of, within_lease_cap
from deployments.execution.services.cancel_live import cancel_live
from deployments.execution.services.mailbox import output_key, seal_spec, wake_agents
from deployments.execution.services.situation import Situation
from deployments.execution.states import ExecutionState
from deployments.execution.steps import Question, StepType, find_step_type
from deployments.execution.variables import Variables, masks
from deployments.infrastructure.services.health import KIND as HEALTH
from deployments.server_tasks.models import ServerTask

log = structlog.get_logger(__name__)

RUN_SERVER_ACTION = "execution.run_server_action"
# Turns of their own, which all of them share: nobody ever waits.
WITHOUT_TURN: Final = MappingProxyType({"name": "beside", "mode": "shared"})
NOT_AVAILABLE = "Its Tentacle is not connected, so it is left out of the rest of the deployment."


@dataclass
class _Begin:
    """One execution on its way into the database."""

    execution: ActionExecution
    step_type: StepType | None
    variables: Variables
    packages: tuple[PackageFile, ...]
    error: str = ""
    question: Question | None = None


def skip_actions(situation: Situation, skips: Sequence[Skip], *, now: datetime) -> None:
    """Record what will not run, with the reason."""
    rows = []
    for skip in skips:
        step, action = situation.actions[skip.action_id]
        place = action.placement(skip.target_id) or Placement(skip.target_id)
        row = _row(situation.task, step, action, place, 1, now)
        row.state, row.finished, row.error_message = ExecutionState.SKIPPED, now, skip.reason
        rows.append(row)
    insert_rows(rows)


def start_actions(situation: Situation, starts: Sequence[Start], *, now: datetime) -> bool:
    """Start executions; return whether some of them have ended, or wait, already."""
    if not starts:
        return False
    left_out = away(situation, starts, now=now)
    _leave_out(situation, left_out, now)
    present = [start for start in starts if start not in left_out]
    begun = [_begin(situation, start, now) for start in within_lease_cap(situation, present)]
    insert_rows([item.execution for item in begun])
    messages = [
        _message(situation, item, item.execution.agent_id, now)
        for item in begun
        if item.execution.agent_id is not None and not item.error
    ]
    insert_rows(messages)
    wake_agents(message.agent_id for message in messages)
    _ask(situation.task, [item for item in begun if item.question], now)
    for item in begun:
        if item.error:
            write_lines(situation.task, item.execution, [("error", item.error)])
        elif item.step_type and item.step_type.works_in_server:
            lines = [("warning", line) for line in item.variables.problems]
            if lines:
                write_lines(situation.task, item.execution, lines)
            wake(RUN_SERVER_ACTION, item.execution.pk)
    return bool(left_out) or any(item.error or item.question for item in begun)


def _leave_out(situation: Situation, starts: Sequence[Start], now: datetime) -> None:
    """Record that targets take no further part because their agents are away."""
    rows = []
    for start in starts:
        step, action = situation.actions[start.action_id]
        place = place_of(situation, start)
        row = _row(situation.task, step, action, place, start.attempt, now)
        row.state, row.finished, row.error_message = ExecutionState.LEFT_OUT, now, NOT_AVAILABLE
        rows.append(row)
    if rows:
        insert_rows(rows)
        lines = [("warning", f"{row.target_name}: {NOT_AVAILABLE}") for row in rows]
        write_lines(situation.task, None, lines)


def cancel_executions(
    situation: Situation, cancels: Sequence[Cancel], requests: int, *, now: datetime
) -> bool:
    """Ask live executions to stop; return whether some of them have ended at once."""
    wanted = {(c.action_id, c.target_id, c.attempt) for c in cancels}
    rows = [r for r in situation.rows if (r.action_id, r.target_id, r.attempt) in wanted]
    return cancel_live(situation.task, rows, force=requests > 1, now=now) if rows else False


def _begin(situation: Situation, start: Start, now: datetime) -> _Begin:
    step, action = situation.actions[start.action_id]
    place = place_of(situation, start)
    step_type = find_step_type(action.action_type)
    if action.action_type == ACTION_TYPE:
        # Nothing but the packages themselves leaves the server for it.
        data, variables, problem = _acquired(situation, place), Variables(), ""
    else:
        data = situation.manifest.actions.get(action.id, ActionData())
        variables, problem = _variables(situation, start)
    item = _Begin(
        _row(situation.task, step, action, place, start.attempt, now),
        step_type,
        variables,
        data.packages,
        error=place.error or data.error or problem,
    )
    if step_type is None:
        item.error = f"This server has no step of the type {action.action_type}."
    elif not item.error:
        _prepare(item, step_type)
    row = item.execution
    if item.error:
        row.state, row.finished, row.error_message = ExecutionState.FAILED, now, item.error
    elif item.question is not None:
        row.state, row.started = ExecutionState.WAITING, now
    return item


def _variables(situation: Situation, start: Start) -> tuple[Variables, str]:
    """Return the variables of a start, or why they cannot be had."""
    try:
        return situation.shared.variables_of(start.action_id, start.target_id), ""
    except LimitExceeded as error:
        return Variables(), f"The variables cannot be evaluated. {error}"


def _acquired(situation: Situation, place: Placement) -> ActionData:
    """Return every package that the agent of the place needs, each once.

    Only here may they be asked for afresh: the steps that follow use what came.
    """
    fresh = situation.manifest.system.get(FORCE_PACKAGE_DOWNLOAD) == str(True)
    found: dict[str, PackageFile] = {}
    error = ""
    for action_id in acquired_actions(situation.plan.steps, place):
        data = situation.manifest.actions.get(action_id, ActionData())
        found |= {
            package.sha256: replace(package, fresh=fresh)
            for package in data.packages
            if package.sha256
        }
        error = error or data.error
    return ActionData({}, tuple(found.values()), error)


def _prepare(item: _Begin, step_type: StepType) -> None:
    """Let the step's type look at its variables; one that breaks fails alone."""
    try:
        step_type.prepare(item.variables)
        item.error = step_type.check(item.variables)
        if not item.error and step_type.ask is not None:
            item.question = step_type.ask(item.variables)
    except Exception as error:
        log.exception("a step cannot be prepared", action=item.execution.action_type)
        item.error = f"The step could not be prepared: {type(error).__name__}."


def _row(
    task: ServerTask,
    step: PlannedStep,
    action: PlannedAction,
    place: Placement,
    attempt: int,
    now: datetime,
) -> ActionExecution:
    return ActionExecution(
        space_id=task.space_id,
        task=task,
        step_id=step.id,
        step_name=step.name,
        step_number=step.number,
        action_id=action.id,
        action_name=action.name,
        action_type=action.action_type,
        target_id=place.target_id,
        target_name=place.target_name,
        agent_id=place.agent,
        attempt=attempt,
        queued=now,
    )


def _message(situation: Situation, item: _Begin, agent_pk: int, now: datetime) -> AgentMessage:
    message_id = new_message_id()
    sealed_body, sha256 = seal_spec(message_id, _spec(item, output_key(message_id)))
    _, action = situation.actions[item.execution.action_id]
    place = action.placement(item.execution.target_id) or Placement()
    return AgentMessage(
        message_id=message_id,
        space_id=situation.task.space_id,
        agent_id=agent_pk,
        execution=item.execution,
        kind="run",
        header={
            "kind": item.step_type.command if item.step_type else "",
            # How long the agent may take to accept it; then it may wait long for its turn there.
            "take_within_s": situation.plan.start_within_s,
            "ttl_s": turn_within(
                situation.plan.start_within_s, has_token=situation.manifest.has_token
            ),
            "deadline_s": action.time_limit_s or limits.DEFAULT_DEADLINE,
            "grace_s": limits.DEFAULT_GRACE,
            "spool_cap": situation.plan.spool_cap,
            "isolation": _isolation(situation.task, item, place),
            # One that is away too long then leaves the deployment instead of failing it.
            "may_be_left_out": place.may_be_left_out and item.execution.attempt == 1,
            "packages": [package.sha256 for package in item.packages if package.sha256],
        },
        sealed_body=sealed_body,
        spec_sha256=sha256,
        created=now,
    )


def _spec(item: _Begin, key: bytes) -> dict[str, Any]:
    return {
        "variables": [[name, value.text, value.is_sensitive] for name, value in item.variables],
        "packages": [
            {
                "name": package.name,
                "package_id": package.package_id,
                "version": package.version,
                "extension": package.extension,
                "sha256": package.sha256,
                "size": package.size,
                "extract": package.extract,
                **({"fresh": True} if package.fresh else {}),
            }
            for package in item.packages
            if package.sha256
        ],
        "output_key": base64.b64encode(key).decode(),
        "mask": masks(item.variables),
        **({"warnings": list(problems)} if (problems := item.variables.problems) else {}),
    }


def _isolation(task: ServerTask, item: _Begin, place: Placement) -> dict[str, str]:
    """Return whose turns the command takes on its machine, and with whom it shares one.

    Transfers of packages, health checks and workers' scripts wait for no script, and none for them
    (projects.md 10.5). Sharing the turns of the scripts would make them wait for one that does not.
    """
    if place.worker_id or item.execution.action_type == ACTION_TYPE or task.kind == HEALTH:
        return dict(WITHOUT_TURN)
    bypass = item.variables.text("OctopusBypassDeploymentMutex").strip().lower() == "true"
    return {"mode": "shared" if bypass else "exclusive"}


def _ask(task: ServerTask, items: Sequence[_Begin], now: datetime) -> None:
    rows = [
        Interruption(
            space_id=task.space_id,
            task=task,
            execution=item.execution,
            title=item.question.title[:500],
            instructions=item.question.instructions,
            responsible_team_ids=list(item.question.team_ids),
            created=now,
        )
        for item in items
        if item.question
    ]
    if rows:
        insert_rows(rows)
        ServerTask.objects.in_space(task.space).filter(pk=task.pk).update(
            has_pending_interruptions=True
        )
