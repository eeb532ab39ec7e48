"""Stopping what still lives of a task: on agents by message, in the server at once."""

from collections.abc import Sequence
from datetime import datetime

from agent.contracts import limits
from deployments.execution.models import ActionExecution, AgentMessage, Interruption
from deployments.execution.services.mailbox import end_executions, may_have_been_taken, wake_agents
from deployments.execution.services.server_actions.following import end_following
from deployments.execution.services.situation import Row
from deployments.execution.states import LIVE, ExecutionState
from deployments.infrastructure.services.presence import connected_agents
from deployments.server_tasks.models import ServerTask

REASON = "It was canceled."
LEFT_BEHIND = "It was left behind when the task was ended by force."


def cancel_live(task: ServerTask, rows: Sequence[Row], *, force: bool, now: datetime) -> bool:
    """Cancel live executions; return whether some ended at once.

    One that an agent may hold ends when the agent says so, or at once when forced. One whose agent
    has been away since before it was sent ends at once; the cancel waits for the agent.
    """
    on_agents = [row for row in rows if row.agent_id is not None]
    ended = _end_waiting(task, rows, now)
    server = [row.pk for row in rows if row.agent_id is None]
    ended += end_following(server, now=now)
    pending = [r.pk for r in rows if r.agent_id is None and r.state == ExecutionState.PENDING]
    ended += end_executions(pending, ExecutionState.CANCELED, now=now, error=REASON)
    gone = send_cancels(task, [row.pk for row in on_agents], reason=REASON, now=now)
    ended += end_executions(gone, ExecutionState.CANCELED, now=now, error=REASON)
    if force:
        everything = [*server, *(row.pk for row in on_agents)]
        ended += end_executions(everything, ExecutionState.CANCELED, now=now, error=LEFT_BEHIND)
        _close_runs(task, everything, now)
    return ended > 0


def close_questions(task: ServerTask, *, now: datetime) -> None:
    """Close what nobody needs to answer any more, because the task ends."""
    Interruption.objects.in_space(task.space).filter(task=task, is_pending=True).update(
        is_pending=False, submitted=now, result="Canceled"
    )
    ServerTask.objects.in_space(task.space).filter(pk=task.pk).update(
        has_pending_interruptions=False
    )


def abandon(task: ServerTask, *, now: datetime) -> None:
    """End whatever lives of a task that cannot be advanced; agents are told to stop."""
    rows = ActionExecution.objects.in_space(task.space).filter(task=task, state__in=LIVE)
    live = list(rows.values_list("pk", flat=True))
    close_questions(task, now=now)
    send_cancels(task, live, reason=REASON, now=now)
    _close_runs(task, live, now)
    end_executions(live, ExecutionState.CANCELED, now=now, error=LEFT_BEHIND)


def send_cancels(
    task: ServerTask, executions: Sequence[int], *, reason: str, now: datetime
) -> list[int]:
    """Put a cancel beside each unfinished run, once.

    Return the executions that no agent can have taken, because it is away: their runs are closed.
    """
    if not executions:
        return []
    messages = AgentMessage.objects.in_space(task.space)
    runs = list(
        messages.filter(execution__in=executions, kind="run", finished=None).select_related(
            "execution"
        )
    )
    fresh = [run for run in runs if run.cancelled is None]
    if fresh:
        AgentMessage.objects.bulk_create(
            [_cancel_message(run, reason, now) for run in fresh], ignore_conflicts=True
        )
        messages.filter(pk__in=[run.pk for run in fresh]).update(cancelled=now)
        wake_agents(run.agent_id for run in fresh)
    connected = connected_agents({run.agent_id for run in runs}, now)
    away = [run for run in runs if run.agent_id not in connected]
    taken = may_have_been_taken(away)
    gone = [run.execution_id for run in away if run.pk not in taken]
    if gone:
        _close_runs(task, gone, now)
    return gone


def _cancel_message(run: AgentMessage, reason: str, now: datetime) -> AgentMessage:
    return AgentMessage(
        space_id=run.space_id,
        agent_id=run.agent_id,
        execution_id=run.execution_id,
        kind="cancel",
        header={
            "command": str(run.message_id),
            "grace_s": run.header.get("grace_s", limits.DEFAULT_GRACE),
            "reason": reason,
        },
        created=now,
    )


def _close_runs(task: ServerTask, executions: Sequence[int], now: datetime) -> None:
    AgentMessage.objects.in_space(task.space).filter(
        execution__in=executions, kind="run", finished=None
    ).update(finished=now, sealed_body=None)


def _end_waiting(task: ServerTask, rows: Sequence[Row], now: datetime) -> int:
    waiting = [row.pk for row in rows if row.state == ExecutionState.WAITING]
    if not waiting:
        return 0
    Interruption.objects.in_space(task.space).filter(execution__in=waiting, is_pending=True).update(
        is_pending=False, submitted=now, result="Canceled"
    )
    return end_executions(waiting, ExecutionState.CANCELED, now=now, error=REASON)
