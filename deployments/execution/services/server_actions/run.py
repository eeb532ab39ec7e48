"""Runs the actions that the server carries out itself, under a lease with a heartbeat."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import Q

from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, OctopusError
from deployments.base.querysets import SpaceQuerySet
from deployments.base.secrets import secret_box
from deployments.base.wake import wake
from deployments.execution.logs.append import write_lines
from deployments.execution.models import ActionExecution, OutputVariable
from deployments.execution.services.mailbox import ADVANCE
from deployments.execution.services.outputs import secret_place
from deployments.execution.services.server_actions.given import given_action
from deployments.execution.states import ExecutionState
from deployments.execution.steps import Result, ServerAction, StepType, find_step_type

T = TypeVar("T")
log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
_HEARTBEAT_S = 15.0
_EVERY_SPACE = "the engine runs the actions of every space"


def run_server_action(execution_id: int, *, clock: Clock = utc_now) -> None:
    """Run a server action once; one whose runner died only if its type may be repeated."""
    execution = _executions().select_related("task__space", "space").filter(pk=execution_id).first()
    step_type = find_step_type(execution.action_type) if execution else None
    if execution is None or step_type is None:
        return
    if step_type.begin is not None:
        _follow(execution, step_type, clock)
        return
    if step_type.run is None:
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


def _follow(execution: ActionExecution, step_type: StepType, clock: Clock) -> None:
    """Begin a lasting action, or look whether what it follows has ended."""
    if execution.state == ExecutionState.RUNNING and execution.follows:
        look, follows = step_type.look, execution.follows
        with transaction.atomic():
            # Holds the row, so that of two who look one makes something of it.
            mine = _executions().filter(pk=execution.pk, state=ExecutionState.RUNNING)
            if look is None or not mine.update(follows=follows):
                return
            ended = _guarded(execution, step_type, lambda action: look(action, follows))
            if isinstance(ended, Result):
                _finish(execution, "", ended, clock)
        return
    begin = step_type.begin
    with transaction.atomic():
        waiting = _executions().filter(pk=execution.pk, state=ExecutionState.PENDING)
        if begin is None or not waiting.update(state=ExecutionState.RUNNING, started=clock()):
            return
        # What it queues is stored together with whom it is for, so that it begins once.
        begun = _guarded(execution, step_type, begin)
        if isinstance(begun, str):
            _executions().filter(pk=execution.pk).update(follows=begun)
        else:
            _finish(execution, "", begun, clock)


def _guarded(
    execution: ActionExecution, step_type: StepType, act: Callable[[ServerAction], T]
) -> T | Result:
    """Do what the type says; whatever breaks it is its failure, and nothing of it is stored."""
    try:
        with transaction.atomic():
            return act(given_action(execution, step_type))
    except Invalid as error:
        return Result(" ".join(error.errors) or error.message)
    except OctopusError as error:
        return Result(error.message)
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("a step of the server broke", execution=execution.pk)
        return Result(f"The step broke: {type(error).__name__}.")


def _run(
    execution: ActionExecution, step_type: StepType, run: Callable[[ServerAction], Result]
) -> Result:
    try:
        return run(given_action(execution, step_type))
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
        store_outputs(execution, result.outputs, result.secrets)
        if result.error:
            write_lines(execution.task, execution, [("error", result.error)])
        wake(ADVANCE, execution.task_id)


def store_outputs(
    execution: ActionExecution,
    outputs: Mapping[str, str],
    secrets: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Store output variables that the server itself sets; secret ones sealed."""
    rows = [_output(execution, name, value=text) for name, text in outputs.items()]
    for name, text in secrets.items():
        sealed = secret_box().seal(text, place=secret_place(execution.pk, name))
        rows.append(_output(execution, name, sealed_value=sealed, is_sensitive=True))
    OutputVariable.objects.bulk_create(rows)


def _output(execution: ActionExecution, name: str, **fields: Any) -> OutputVariable:
    return OutputVariable(
        space_id=execution.space_id,
        task_id=execution.task_id,
        execution=execution,
        name=name,
        **fields,
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


def _executions() -> SpaceQuerySet[ActionExecution]:
    return ActionExecution.objects.unscoped(reason=_EVERY_SPACE)
