"""The guarantee behind every wake-up: looks at what has been quiet and moves it on."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from agent.contracts import limits
from deployments.base.clock import Clock, utc_now
from deployments.base.wake import wake, wake_now
from deployments.execution.logs.append import write_lines
from deployments.execution.models import ActionExecution, AgentMessage
from deployments.execution.services.cancel_live import abandon, send_cancels
from deployments.execution.services.carry_out import NOT_AVAILABLE
from deployments.execution.services.lease import IMPOSSIBLE
from deployments.execution.services.lost_agents import settle_lost_agents
from deployments.execution.services.mailbox import ADVANCE, end_executions, may_have_been_taken
from deployments.execution.services.server_actions import settle_abandoned
from deployments.execution.services.server_actions.following import followers_of_ended_tasks
from deployments.execution.states import LIVE, ExecutionState
from deployments.execution.steps import all_step_types
from deployments.infrastructure.services.presence import SILENCE, present_agents
from deployments.server_tasks.kinds import find_kind
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import schedule
from deployments.server_tasks.states import FINISHED, RUNNING, TaskState

QUIET = timedelta(seconds=2)
_EVERY_SPACE = "the sweep looks at every space"


def sweep(*, clock: Clock = utc_now) -> None:
    """Start and expire queued tasks, expire commands nobody took, wake what has been quiet."""
    now = clock()
    schedule(node_name=settings.OCTOPUS.node_name, clock=clock)
    expire_commands(now=now)
    settle_lost_agents(now=now)
    settle_abandoned(clock=clock)
    end_left_behind(now=now)
    _wake_waiting_actions(now)
    for pk in followers_of_ended_tasks():
        wake_now("execution.run_server_action", pk)
    for task_id, kind_name in _quiet_tasks(now):
        kind = find_kind(kind_name)
        if kind is not None:
            wake_now(kind.advance, task_id)


def expire_commands(*, now: datetime) -> int:
    """Fail the commands that no agent has taken in time; return how many.

    A cancel is left for the agent, in case it took the command and could not say so.
    """
    rows = AgentMessage.objects.unscoped(reason=_EVERY_SPACE)
    waiting = rows.filter(kind="run", accepted=None, finished=None, cancelled=None)
    old = list(waiting.filter(created__lte=now - QUIET).values_list("pk", "created", "header"))
    due = [pk for pk, created, header in old if _age(created, now) >= _time_to_start(header)]
    away = _away([pk for pk, _, header in old if header.get("may_be_left_out")], now)
    return sum(_expire(pk, now, is_away=pk in away) for pk in {*due, *away})


def _away(pks: list[int], now: datetime) -> set[int]:
    """Return those of the commands whose agent has been away since before they were sent."""
    if not pks:
        return set()
    rows = AgentMessage.objects.unscoped(reason=_EVERY_SPACE)
    waiting = rows.filter(pk__in=pks, created__lte=now - SILENCE).values_list("pk", "agent_id")
    agents = dict(waiting)
    present = present_agents(set(agents.values()), now)
    return {pk for pk, agent in agents.items() if agent not in present}


def _expire(pk: int, now: datetime, *, is_away: bool = False) -> int:
    with transaction.atomic():
        rows = AgentMessage.objects.unscoped(reason=_EVERY_SPACE)
        # Claims the row: an `accepted` that arrives at the same moment waits or has won.
        if not rows.filter(pk=pk, accepted=None, finished=None).update(offered=now):
            return 0
        message = rows.select_related("execution__task__space").get(pk=pk)
        task = message.execution.task
        minutes = _time_to_start(message.header) / 60
        reason = f"The agent did not take the command within {minutes:.3g} minutes."
        state = ExecutionState.FAILED
        if is_away:
            state = ExecutionState.LEFT_OUT
            reason = NOT_AVAILABLE
            name = message.execution.target_name
            write_lines(task, None, [("warning", f"{name}: {NOT_AVAILABLE}")])
        elif message.agent_id not in present_agents({message.agent_id}, now) and (
            may_have_been_taken([message])
        ):
            state = ExecutionState.LOST
            reason = f"{reason} It went away while it may have had it, so it may have run."
        send_cancels(task, [message.execution_id], reason=reason, now=now)
        rows.filter(pk=pk).update(finished=now, sealed_body=None)
        ended = end_executions([message.execution_id], state, now=now, error=reason)
        wake(ADVANCE, task.pk)
    return ended


def end_left_behind(*, now: datetime) -> None:
    """End what still counts as live of tasks that have ended, such as abandoned ones."""
    live = ActionExecution.objects.unscoped(reason=_EVERY_SPACE).filter(
        state__in=LIVE, task__state__in=FINISHED
    )
    for number in set(live.values_list("task_id", flat=True)):
        with transaction.atomic():
            rows = ServerTask.objects.unscoped(reason=_EVERY_SPACE).select_related("space")
            abandon(rows.get(pk=number), now=now)


def _wake_waiting_actions(now: datetime) -> None:
    """Wake server actions whose first wake-up was lost."""
    types = [step.action_type for step in all_step_types() if step.works_in_server]
    waiting = ActionExecution.objects.unscoped(reason=_EVERY_SPACE).filter(
        agent=None, state=ExecutionState.PENDING, action_type__in=types, queued__lte=now - QUIET
    )
    for pk in waiting.values_list("pk", flat=True):
        wake_now("execution.run_server_action", pk)


def _quiet_tasks(now: datetime) -> list[tuple[int, str]]:
    rows = ServerTask.objects.unscoped(reason=_EVERY_SPACE)
    # Later than now: the clock was set back since, and nothing else would wake them for as long.
    quiet = rows.filter(
        Q(last_updated__lte=now - QUIET) | Q(last_updated__gt=now + IMPOSSIBLE), state__in=RUNNING
    )
    idle = quiet.filter(state=TaskState.PAUSED, cancel_requests=0)
    return list(quiet.exclude(pk__in=idle.values("pk")).values_list("pk", "kind"))


def _time_to_start(header: dict[str, float]) -> float:
    return float(header.get("take_within_s", limits.DEFAULT_TTL))


def _age(created: datetime, now: datetime) -> float:
    return (now - created).total_seconds()
