"""Reads why a running task waits; at most three queries, none when nothing is pending."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from deployments.execution.acquisition import ACTION_TYPE as ACQUISITION
from deployments.execution.models import ActionExecution, AgentMessage
from deployments.execution.plan import Plan
from deployments.execution.states import ExecutionState
from deployments.execution.waiting import Live, Wait, waits
from deployments.infrastructure.models import AgentSession
from deployments.infrastructure.services.health import KIND as HEALTH
from deployments.infrastructure.services.presence import SILENCE
from deployments.server_tasks.models import ServerTask

_MOST = 20


def waits_of(
    task: ServerTask, plan: Plan | None, executions: Sequence[ActionExecution], *, now: datetime
) -> list[Wait]:
    """Return what the task waits for, at most twenty reasons."""
    if plan is None or task.is_completed:
        return []
    pending = [row for row in executions if row.state == ExecutionState.PENDING and row.agent_id]
    accepted, canceled = _commands(task, pending)
    sessions = _sessions({row.agent_id for row in pending if row.agent_id})
    busy = _busy(task, {row.agent_id for row in pending if row.agent_id and accepted.get(row.pk)})
    found = waits(
        plan,
        [
            Live(
                action_id=row.action_id,
                target_id=row.target_id,
                target_name=row.target_name,
                attempt=row.attempt,
                state=ExecutionState(row.state),
                queued=row.queued,
                finished=row.finished,
                has_agent=row.agent_id is not None,
                accepted=accepted.get(row.pk),
                is_canceled=row.pk in canceled,
                is_away=_is_away(sessions.get(row.agent_id or 0), now),
                away_since=_last_seen(sessions.get(row.agent_id or 0)),
                busy=tuple(busy.get(row.agent_id or 0, ())),
            )
            for row in executions
        ],
        now,
    )
    return found[:_MOST]


def _commands(
    task: ServerTask, pending: Sequence[ActionExecution]
) -> tuple[dict[int, datetime | None], set[int]]:
    """Return when each command was accepted, and which are canceled."""
    if not pending:
        return {}, set()
    runs = AgentMessage.objects.in_space(task.space).filter(
        execution__in=[row.pk for row in pending], kind="run"
    )
    rows = list(runs.values_list("execution_id", "accepted", "cancelled"))
    return {pk: accepted for pk, accepted, _ in rows}, {pk for pk, _, at in rows if at}


def _sessions(agents: set[int]) -> dict[int, AgentSession]:
    if not agents:
        return {}
    return {row.agent_id: row for row in AgentSession.objects.filter(agent__in=agents)}


def _is_away(session: AgentSession | None, now: datetime) -> bool:
    if session is None or session.last_seen is None:
        return True
    return session.disconnected is not None or session.last_seen <= now - SILENCE


def _last_seen(session: AgentSession | None) -> datetime | None:
    return session.last_seen if session else None


def _busy(task: ServerTask, agents: set[int]) -> dict[int, list[str]]:
    """Return the tasks of the space that have the turn on each agent.

    Health checks and transfers of packages take none.
    """
    if not agents or task.kind == HEALTH:
        return {}
    running = (
        ActionExecution.objects.in_space(task.space)
        .filter(agent__in=agents, state=ExecutionState.RUNNING)
        .exclude(action_type=ACQUISITION)
        .exclude(task__kind=HEALTH)
    )
    found: defaultdict[int, list[str]] = defaultdict(list)
    for agent, number in running.order_by("task_id").values_list("agent_id", "task_id").distinct():
        found[agent].append(f"ServerTasks-{number}")
    return found
