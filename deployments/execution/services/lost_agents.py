"""Commands whose agent will not report any more: it was removed, or is away beyond every limit."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from agent.contracts import limits
from deployments.base.querysets import SpaceQuerySet
from deployments.base.wake import wake
from deployments.execution.models import ActionExecution, AgentMessage
from deployments.execution.services.cancel_live import send_cancels
from deployments.execution.services.mailbox import (
    ADVANCE,
    close_messages,
    end_executions,
    may_have_been_taken,
)
from deployments.execution.states import LIVE, ExecutionState
from deployments.execution.steps import all_step_types
from deployments.infrastructure.models import AgentSession
from deployments.infrastructure.services.presence import SILENCE

REMOVED = "Its agent was removed; what became of it is unknown."
NOT_TAKEN = "Its agent was removed before it took the command."
STAYED_AWAY = "The agent went away with the command and did not come back in time."
# What an agent may need for its last words after all limits of a command.
_RETURN_WITHIN = timedelta(hours=1)
_JUST_MADE = timedelta(seconds=2)
_EVERY_SPACE = "the sweep looks at every space"


def settle_lost_agents(*, now: datetime) -> int:
    """End what no agent will ever report; return how many executions."""
    removed = list(_runs().filter(agent__revoked__isnull=False))
    taken = may_have_been_taken(removed)
    lost = [run.execution_id for run in removed if run.pk in taken]
    left = [run.execution_id for run in removed if run.pk not in taken]
    ended = _end(lost, ExecutionState.LOST, REMOVED, now)
    ended += _end(left, ExecutionState.FAILED, NOT_TAKEN, now)
    ended += _end(_without_agent(now), ExecutionState.LOST, REMOVED, now)
    for run in _overdue(now):
        send_cancels(run.execution.task, [run.execution_id], reason=STAYED_AWAY, now=now)
        run_rows = _runs().filter(pk=run.pk)
        run_rows.update(finished=now, sealed_body=None)
        ended += _end([run.execution_id], ExecutionState.LOST, STAYED_AWAY, now, close=False)
    return ended


def _end(
    pks: Collection[int], state: ExecutionState, error: str, now: datetime, *, close: bool = True
) -> int:
    if not pks:
        return 0
    with transaction.atomic():
        tasks = set(_executions().filter(pk__in=pks).values_list("task_id", flat=True))
        if close:
            close_messages(list(pks), now)
        ended = end_executions(pks, state, now=now, error=error)
        for task_id in tasks:
            wake(ADVANCE, task_id)
    return ended


def _without_agent(now: datetime) -> list[int]:
    """Return live commands of agents whose rows are gone."""
    commands = [step.action_type for step in all_step_types() if step.command]
    rows = _executions().filter(
        agent=None, state__in=LIVE, action_type__in=commands, queued__lte=now - _JUST_MADE
    )
    return list(rows.values_list("pk", flat=True))


def _overdue(now: datetime) -> list[AgentMessage]:
    """Return runs past all their limits whose agent is not connected.

    One that was not accepted is given up sooner, unless it was canceled.
    """
    connected = AgentSession.objects.filter(disconnected=None, last_seen__gt=now - SILENCE)
    before = now - _RETURN_WITHIN
    old = Q(accepted__lte=before) | Q(accepted=None, cancelled__lte=before)
    away = (
        _runs()
        .filter(old, ~Q(agent__in=connected.values("agent_id")))
        .select_related("execution__task__space")
    )
    return [run for run in away if now - (run.accepted or run.created) > _longest(run)]


def _longest(run: AgentMessage) -> timedelta:
    waits = float(run.header.get("ttl_s", limits.DEFAULT_TTL))
    runs = float(run.header.get("deadline_s", limits.DEFAULT_DEADLINE))
    return timedelta(seconds=waits + runs) + _RETURN_WITHIN


def _runs() -> SpaceQuerySet[AgentMessage]:
    rows = AgentMessage.objects.unscoped(reason=_EVERY_SPACE)
    return rows.filter(kind="run", finished=None)


def _executions() -> SpaceQuerySet[ActionExecution]:
    return ActionExecution.objects.unscoped(reason=_EVERY_SPACE)
