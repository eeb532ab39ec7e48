"""Runs the actions that the server carries out itself, under a lease with a heartbeat."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from deployments.access.models import User
from deployments.base import public_ids
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import OctopusError
from deployments.base.querysets import SpaceQuerySet
from deployments.base.settings_rows import opened_settings
from deployments.base.wake import wake
from deployments.execution.logs.append import write_lines
from deployments.execution.models import ActionExecution, ExecutionPlan, OutputVariable
from deployments.execution.services.mailbox import ADVANCE
from deployments.execution.services.situation import read_situation
from deployments.execution.states import ExecutionState
from deployments.execution.steps import Result, ServerAction, StepType, find_step_type

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
_HEARTBEAT_S = 15.0
_EVERY_SPACE = "the engine runs the actions of every space"


def run_server_action(execution_id: int, *, clock: Clock = utc_now) -> None:
    """Run a server action once; one whose runner died only if its type may be repeated."""
    execution = _executions().select_related("task__space", "space").filter(pk=execution_id).first()
    step_type = find_step_type(execution.action_type) if execution else None
    if execution is None or step_type is None or step_type.run is None:
        return
    owner = uuid4().hex
    if not _claim(execution_id, owner, step_type, clock):
        return
    with _heartbeat(execution_id, owner):
        result = _run(execution, step_type, step_type.run)
    _finish(execution, owner, result, clock)


def settle_abandoned(*, clock: Clock = utc_now) -> int:
    """Wake actions that nobody runs any more, or fail them when they may not be repeated."""
    now = clock()
    abandoned = _executions().filter(
        agent=None, state=ExecutionState.RUNNING, lease_expires__lte=now
    )
    count = 0
    for pk, action_type, task_id in abandoned.values_list("pk", "action_type", "task_id"):
        step_type = find_step_type(action_type)
        if step_type is not None and step_type.repeatable:
            wake("execution.run_server_action", pk)
            continue
        count += abandoned.filter(pk=pk).update(
            state=ExecutionState.LOST,
            finished=now,
            lease_owner="",
            lease_expires=None,
            error_message="The outcome is unknown: the server stopped while it worked on this.",
        )
        wake(ADVANCE, task_id)
    return count


def _claim(execution_id: int, owner: str, step_type: StepType, clock: Clock) -> bool:
    now = clock()
    free = Q(state=ExecutionState.PENDING)
    if step_type.repeatable:
        free |= Q(state=ExecutionState.RUNNING, lease_expires__lte=now)
    rows = _executions().filter(free, pk=execution_id)
    return bool(
        rows.update(
            state=ExecutionState.RUNNING,
            started=now,
            lease_owner=owner,
            lease_expires=now + LEASE,
        )
    )


def _run(
    execution: ActionExecution, step_type: StepType, run: Callable[[ServerAction], Result]
) -> Result:
    task = execution.task

    def say(level: str, text: str) -> None:
        write_lines(task, execution, [(level, text)])

    try:
        plan = ExecutionPlan.objects.in_space(task.space).get(task=task)
        shared = read_situation(task, plan).shared
        action = ServerAction(
            id=execution.public_id,
            variables=shared.variables_of(execution.action_id, execution.target_id),
            settings=_settings(step_type.settings),
            addresses_of=_addresses_of,
            log=say,
        )
        return run(action)
    except OctopusError as error:
        return Result(error.message)
    except Exception as error:
        log.exception("a step of the server broke", execution=execution.pk)
        return Result(f"The step broke: {type(error).__name__}.")


def _finish(execution: ActionExecution, owner: str, result: Result, clock: Clock) -> None:
    state = ExecutionState.FAILED if result.error else ExecutionState.SUCCEEDED
    with transaction.atomic():
        mine = _executions().filter(
            pk=execution.pk, state=ExecutionState.RUNNING, lease_owner=owner
        )
        ended = mine.update(
            state=state,
            finished=clock(),
            error_message=result.error,
            lease_owner="",
            lease_expires=None,
        )
        if not ended:
            return
        store_outputs(execution, result.outputs)
        if result.error:
            write_lines(execution.task, execution, [("error", result.error)])
        wake(ADVANCE, execution.task_id)


def store_outputs(execution: ActionExecution, outputs: Any) -> None:
    """Store output variables that the server itself sets."""
    OutputVariable.objects.bulk_create(
        [
            OutputVariable(
                space_id=execution.space_id,
                task_id=execution.task_id,
                execution=execution,
                name=name,
                value=text,
            )
            for name, text in outputs.items()
        ]
    )


@contextmanager
def _heartbeat(execution_id: int, owner: str) -> Iterator[None]:
    """Renew the lease from a thread with a connection of its own while the block runs."""
    stop = threading.Event()

    def beat() -> None:
        try:
            while not stop.wait(_HEARTBEAT_S):
                try:
                    rows = _executions().filter(pk=execution_id, lease_owner=owner)
                    rows.update(lease_expires=utc_now() + LEASE)
                except DatabaseError as error:
                    # The next beat may come through before the lease ends.
                    log.warning("a lease was not renewed", error=type(error).__name__)
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _settings(prefixes: Sequence[str]) -> dict[str, object]:
    """Return the server settings below the prefixes."""
    values: dict[str, object] = {}
    for prefix in prefixes:
        values |= opened_settings(f"{prefix}.")
    return values


def _addresses_of(team_ids: Sequence[str]) -> list[str]:
    """Return the addresses of the active members of teams."""
    numbers = [number for text in team_ids if (number := public_ids.parse("Teams", text))]
    if not team_ids:
        return []
    members = User.objects.filter(
        Q(teams__pk__in=numbers) | Q(teams__built_in_id__in=list(team_ids)), is_active=True
    )
    found = members.exclude(email="").order_by("pk").distinct()
    return list(found.values_list("email", flat=True))


def _executions() -> SpaceQuerySet[ActionExecution]:
    return ActionExecution.objects.unscoped(reason=_EVERY_SPACE)
