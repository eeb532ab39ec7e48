"""Takes a task one step further: claim, read, decide, write, let go. Repeating is harmless."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import Error as DatabaseError
from django.db import IntegrityError, transaction

from agent import failpoints
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import OctopusError
from deployments.base.wake import wake
from deployments.execution.decide import decide
from deployments.execution.decision import Decision, Flags
from deployments.execution.logs.append import write_lines
from deployments.execution.models import ExecutionPlan
from deployments.execution.plan import Plan, plan_from_json
from deployments.execution.services.cancel_live import abandon
from deployments.execution.services.carry_out import cancel_executions, skip_actions, start_actions
from deployments.execution.services.failures import ask_about_failures
from deployments.execution.services.finish import end_task, finish_task, record_start
from deployments.execution.services.health.judge import judge_checks
from deployments.execution.services.lease import Lease, Settled, claim, settle
from deployments.execution.services.packages.files import PackagesComing
from deployments.execution.services.situation import Situation, read_situation
from deployments.execution.services.start import make_execution_plan
from deployments.infrastructure.services.health import KIND as HEALTH
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import move
from deployments.server_tasks.states import TaskState

log = structlog.get_logger(__name__)

# A tick decides anew while its own writes let more happen; more than this is an endless loop.
_MOST_TICKS = 1000
_BROKEN = "This server cannot carry the task out; its log has the cause."


class LeaseLost(Exception):
    """Another worker has taken the task over; whatever this one was about to write is undone."""


def advance(task_id: int, *, clock: Clock = utc_now) -> None:
    """Advance a task until nothing more can be done now."""
    for _ in range(_MOST_TICKS):
        lease = claim(task_id, now=clock())
        if lease is None:
            return
        try:
            if not _tick(lease, clock):
                return
        except (LeaseLost, IntegrityError) as error:
            log.warning("a task was advanced by somebody else", task=task_id, error=str(error))
            settle(lease, now=clock())
            return
        except BaseException:
            settle(lease, now=clock())
            raise
    raise RuntimeError(f"ServerTasks-{task_id} does not come to rest.")


def _tick(lease: Lease, clock: Clock) -> bool:
    """Do one round; return whether another one is needed at once."""
    task = lease.task
    try:
        return _decide(lease, task, clock)
    except (LeaseLost, DatabaseError):
        raise
    except OctopusError as error:
        return _end_broken(lease, task, error.message, clock)
    except Exception as error:
        is_planned = ExecutionPlan.objects.in_space(task.space).filter(task=task).exists()
        if is_planned and task.cancel_requests <= 1:
            raise
        # Nothing runs yet, or somebody insists on the end.
        log.exception("a task cannot be advanced", task=task.pk)
        return _end_broken(lease, task, f"{_BROKEN} ({type(error).__name__})", clock)


def _decide(lease: Lease, task: ServerTask, clock: Clock) -> bool:
    try:
        situation = _situation(lease, task, clock)
    except PackagesComing as coming:
        return _wait_for_packages(lease, task, coming, clock)
    failpoints.hit("tick.read")
    if task.state == TaskState.PAUSED and not task.cancel_requests:
        return _let_go(lease, clock())
    now = clock()
    if _is_too_late(task, situation.plan, now):
        limit = timedelta(seconds=situation.plan.time_limit_s)
        return _end_broken(lease, task, f"It took longer than its time limit of {limit}.", clock)
    decision = decide(
        situation.plan,
        [row.seen for row in situation.rows],
        Flags(now.timestamp(), task.cancel_requests),
        # Not the bound method: that would read all outputs even when nothing is asked.
        lambda *question: situation.shared.is_true(*question),  # noqa: PLW0108
    )
    return _carry_out(lease, situation, decision, clock)


def _is_too_late(task: ServerTask, plan: Plan, now: datetime) -> bool:
    """Tell whether the time for the whole task is over; who cancels it does not hear of that."""
    if not plan.time_limit_s or task.started is None or task.cancel_requests:
        return False
    return now - task.started > timedelta(seconds=plan.time_limit_s)


def _end_broken(lease: Lease, task: ServerTask, reason: str, clock: Clock) -> bool:
    """End a task that cannot go on, with all that lives of it."""
    now = clock()
    with _settled(lease, now):
        abandon(task, now=now)
        end_task(task, reason, canceled=bool(task.cancel_requests), clock=clock)
    return False


def _situation(lease: Lease, task: ServerTask, clock: Clock) -> Situation:
    row = ExecutionPlan.objects.in_space(task.space).filter(task=task).first()
    if row is None:
        row = make_execution_plan(task, clock=clock)
        return Situation(task, row, plan_from_json(row.document), [])
    situation = read_situation(task, row)
    # Judged after it is read, until nothing is news: a check that ends in between would otherwise
    # be decided upon by its exit code alone.
    while task.kind == HEALTH and judge_checks(task):
        situation = read_situation(task, row)
    return situation


def _carry_out(lease: Lease, situation: Situation, decision: Decision, clock: Clock) -> bool:
    task, now = situation.task, clock()
    with _settled(lease, now, waits_for_all=decision.waits_for_all) as settled:
        if situation.row._state.adding:  # noqa: SLF001 Django's own flag for unsaved rows
            situation.row.save(force_insert=True)
            record_start(task, clock=clock)
            if warnings := situation.plan.warnings:
                write_lines(task, None, [("warning", line) for line in warnings])
        skip_actions(situation, decision.skips, now=now)
        ask_about_failures(situation, decision.asks, now=now)
        again = start_actions(situation, decision.starts, now=now)
        again |= cancel_executions(situation, decision.cancels, task.cancel_requests, now=now)
        if decision.finish is not None:
            finish_task(situation, decision.finish, clock=clock)
        elif decision.waiting and task.state == TaskState.EXECUTING:
            _pause(task, now)
        again |= settled.was_woken
        failpoints.hit("tick.written")
    return again and decision.finish is None


def _pause(task: ServerTask, now: datetime) -> None:
    """Free the slot and the concurrency tag while everything waits for people."""
    reason = "Waiting for a manual intervention."
    if move(task.pk, TaskState.PAUSED, now=now, waiting_reason=reason):
        wake("server_tasks.schedule")


@contextmanager
def _settled(lease: Lease, now: datetime, *, waits_for_all: bool = False) -> Iterator[Settled]:
    """Write in one transaction that also ends the claim. Raises LeaseLost."""
    with transaction.atomic():
        settled = settle(lease, now=now, waits_for_all=waits_for_all)
        if settled is None:
            raise LeaseLost
        # Before the wake-ups, which are sent in the order in which they were asked for.
        transaction.on_commit(lambda: failpoints.hit("tick.committed"))
        yield settled


def _wait_for_packages(
    lease: Lease, task: ServerTask, coming: PackagesComing, clock: Clock
) -> bool:
    """Wait until external feeds have given the packages; the sweep looks again."""
    if task.cancel_requests:
        return _end_broken(lease, task, "It was canceled before its packages were here.", clock)
    lines = [("info", f"Fetching {name} from its feed.") for name in coming.begun]
    if lines:
        with transaction.atomic():
            write_lines(task, None, lines)
    return _let_go(lease, clock())


def _let_go(lease: Lease, now: datetime) -> bool:
    with _settled(lease, now) as settled:
        return settled.was_woken
