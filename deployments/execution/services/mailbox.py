"""The mailbox: sealing and opening bodies, and what agents say about their commands.

Everything an agent says is applied by conditional updates, so that repeats and late messages
change nothing. All functions take many commands at once and join the caller's transaction.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models.functions import Coalesce

from agent.contracts.spec import canonical_json
from deployments.base.clock import Clock, utc_now
from deployments.base.querysets import SpaceQuerySet
from deployments.base.redis import try_redis
from deployments.base.secrets import secret_box
from deployments.base.wake import MAILBOX_CHANNEL, wake, wake_now
from deployments.execution.models import ActionExecution, AgentMessage
from deployments.execution.services.outputs import output_key, record_outputs, storable
from deployments.execution.states import LIVE, ExecutionState
from deployments.infrastructure.services.presence import last_contacts

__all__ = [
    "TEMPORARY",
    "FinishedResult",
    "apply_accepted",
    "apply_cancel_ack",
    "apply_finished",
    "apply_rejected",
    "apply_started",
    "close_messages",
    "end_executions",
    "may_have_been_taken",
    "messages_for",
    "open_spec",
    "output_key",
    "record_outputs",
    "seal_spec",
    "secret_texts",
    "secret_texts_of",
    "wake_agents",
]

ADVANCE = "execution.advance"
# The agent refuses for now, and will be offered the command again.
TEMPORARY = frozenset({"draining", "busy"})
_EVERY_SPACE = "agents of every space report"
_LARGEST_CODE = 2**31 - 1
# What agents have; people are not waited for.
_RUNNING = (ExecutionState.PENDING, ExecutionState.RUNNING)
# Whether ends of single commands matter to a task, and whether somebody advances it now.
_OF_THE_TASK = ("execution__task__waits_for_all", "execution__task__lease_owner")


@dataclass(frozen=True, slots=True)
class FinishedResult:
    """The end of a command as its agent tells it (agent.contracts.messages.Finished)."""

    command_id: str
    started: bool
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    message: str = ""


def messages_for(agent_pk: int) -> SpaceQuerySet[AgentMessage]:
    """Return what the agent still has to be told, oldest first.

    A run beside which a cancel stands is not told any more.
    """
    return (
        _messages()
        .filter(agent_id=agent_pk, finished=None)
        .exclude(kind="run", cancelled__isnull=False)
        .order_by("id")
    )


def spec_place(message_id: UUID) -> str:
    """Return what the spec of a command is bound to."""
    return f"message:{message_id}"


def seal_spec(message_id: UUID, spec: dict[str, Any]) -> tuple[bytes, str]:
    """Return the sealed canonical form of a spec, and its hash."""
    body = _canonical(spec)
    sealed = secret_box().seal(body.decode(), place=spec_place(message_id))
    return sealed, hashlib.sha256(body).hexdigest()


def _canonical(spec: dict[str, Any]) -> bytes:
    """Return what canonical_json does, in a fraction of its time for a spec without odd text."""
    try:
        return orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return canonical_json(spec)


def open_spec(message: AgentMessage) -> bytes:
    """Return the canonical JSON of an unfinished run's spec."""
    sealed = bytes(message.sealed_body or b"")
    return secret_box().open(sealed, place=spec_place(message.message_id)).reveal().encode()


def secret_texts(spec: dict[str, Any]) -> list[str]:
    """Return what must not show up in the output of the command with this spec."""
    variables = [value for _, value, is_sensitive in spec.get("variables", ()) if is_sensitive]
    return [*variables, *spec.get("mask", ())]


def secret_texts_of(execution_pks: Collection[int]) -> dict[int, list[str]]:
    """Open the specs of unfinished runs; executions whose spec is gone are left out."""
    rows = _messages().filter(execution__in=execution_pks, kind="run", sealed_body__isnull=False)
    return {row.execution_id: secret_texts(orjson.loads(open_spec(row))) for row in rows}


def wake_agents(agent_pks: Iterable[int]) -> None:
    """Tell the gateways after commit that these agents have mail."""
    pks = sorted(set(agent_pks))
    if pks:
        transaction.on_commit(lambda: _publish(pks), robust=True)


def apply_accepted(command_ids: Collection[str], *, clock: Clock = utc_now) -> None:
    """Note that the commands are in their agents' journals."""
    if command_ids:
        now = clock()
        rows = _messages().filter(message_id__in=command_ids, kind="run", accepted=None)
        rows.update(accepted=now, offered=Coalesce("offered", now))


def apply_started(command_ids: Collection[str], *, clock: Clock = utc_now) -> None:
    """Note that runners hold the commands."""
    if not command_ids:
        return
    now = clock()
    with transaction.atomic(savepoint=False):
        runs = _messages().filter(message_id__in=command_ids, kind="run")
        runs.filter(started=None).update(started=now, accepted=Coalesce("accepted", now))
        _executions().filter(pk__in=runs.values("execution"), state=ExecutionState.PENDING).update(
            state=ExecutionState.RUNNING, started=now
        )


def apply_rejected(command_id: str, code: str, detail: str = "", *, clock: Clock = utc_now) -> None:
    """Fail a command that its agent will never run; one refused for now stays in the mailbox."""
    if code in TEMPORARY:
        return
    explanation = f" {detail}" if detail else ""
    reason = code if code in {"expired", "cancelled"} else f"error: {code}.{explanation}"
    apply_finished([FinishedResult(command_id, started=False, reason=reason)], clock=clock)


def apply_cancel_ack(command_id: str, state: str, *, clock: Clock = utc_now) -> None:
    """Note what a cancel met: `tombstoned`, `signalled` or `already_finished`."""
    with transaction.atomic():
        run = _messages().filter(message_id=command_id, kind="run").first()
        if run is None:
            return
        _messages().filter(execution=run.execution_id, kind="cancel").update(
            accepted=Coalesce("accepted", clock())
        )
        if run.finished is not None:
            close_messages([run.execution_id], clock())
        elif state == "tombstoned":
            result = FinishedResult(command_id, started=False, reason="cancelled")
            apply_finished([result], clock=clock)


def apply_finished(results: Collection[FinishedResult], *, clock: Clock = utc_now) -> None:
    """Store the ends of commands, each once, and wake their tasks where something may follow.

    A result for an execution that has ended already changes nothing; its message is closed.
    """
    if not results:
        return
    now = clock()
    with transaction.atomic(savepoint=False):
        by_id = {result.command_id: result for result in results}
        rows = _messages().filter(message_id__in=list(by_id), kind="run")
        columns = ("message_id", "execution_id", "execution__task_id", "cancelled")
        found = list(rows.values_list(*columns, *_OF_THE_TASK))
        ends: dict[tuple[ExecutionState, int | None, str, bool], list[int]] = defaultdict(list)
        ran, to_close = [], []
        for message_id, execution_id, _, cancelled, *_ in found:
            result = by_id[str(message_id)]
            ends[*_end_of(result), result.started].append(execution_id)
            if result.started:
                ran.append(execution_id)
            if cancelled is not None or not result.started:
                to_close.append(execution_id)
        _close_runs(ran, now)
        if to_close:
            close_messages(to_close, now)
        for (state, exit_code, error, started), pks in ends.items():
            end_executions(
                pks, state, now=now, exit_code=exit_code, error=error, has_started=started
            )
        tasks = {task_id: waits and not claimed for _, _, task_id, _, waits, claimed in found}
        for task_id in (one for one, waits in tasks.items() if not waits):
            wake(ADVANCE, task_id)
        if waiting := [task_id for task_id, waits in tasks.items() if waits]:
            # After the commit: of two gateways that store the last two ends at once, neither sees
            # the other's before.
            transaction.on_commit(lambda: _wake_when_all_ended(waiting), robust=True)


def _wake_when_all_ended(task_ids: Sequence[int]) -> None:
    """Wake those of the tasks of which nothing runs any more."""
    live = _executions().filter(task__in=task_ids, state__in=_RUNNING)
    running = set(live.order_by().values_list("task_id", flat=True).distinct())
    for task_id in task_ids:
        if task_id not in running:
            wake_now(ADVANCE, task_id)


def end_executions(
    pks: Collection[int],
    state: ExecutionState,
    *,
    now: Any,
    exit_code: int | None = None,
    error: str = "",
    has_started: bool = False,
) -> int:
    """End executions that still live; return how many this call ended."""
    changes: dict[str, Any] = {"exit_code": exit_code} if exit_code is not None else {}
    if has_started:
        changes["started"] = Coalesce("started", now)
    return (
        _executions()
        .filter(pk__in=pks, state__in=LIVE)
        .update(
            state=state,
            finished=now,
            error_message=error,
            lease_owner="",
            lease_expires=None,
            **changes,
        )
    )


def _close_runs(executions: Collection[int], now: Any) -> None:
    """Close runs that have begun; the result may be the first that is heard of them."""
    if executions:
        _messages().filter(execution__in=executions, kind="run", finished=None).update(
            finished=now,
            sealed_body=None,
            offered=Coalesce("offered", now),
            accepted=Coalesce("accepted", now),
            started=Coalesce("started", now),
        )


def close_messages(executions: Collection[int], now: Any) -> None:
    """Close runs and the cancels beside them."""
    _messages().filter(execution__in=executions, finished=None).update(
        finished=now, sealed_body=None
    )


def _end_of(result: FinishedResult) -> tuple[ExecutionState, int | None, str]:
    """Return state, exit code and error of a result."""
    code, message = result.exit_code, storable(result.message)
    if code is not None and abs(code) > _LARGEST_CODE:
        code = None
    if not result.reason and code == 0:
        return ExecutionState.SUCCEEDED, 0, ""
    if result.reason == "cancelled":
        return ExecutionState.CANCELED, code, message or "It was canceled."
    if result.reason == "lost":
        text = "The outcome is unknown: the runner or its machine stopped before the end."
        return ExecutionState.LOST, code, message or text
    return ExecutionState.FAILED, code, message or storable(_failure(result))


def _failure(result: FinishedResult) -> str:
    texts = {
        "deadline": "The time limit was exceeded.",
        "expired": "The agent did not start it in time.",
        "spool_cap": "The script printed more than is allowed.",
    }
    if result.reason:
        return texts.get(result.reason, result.reason.removeprefix("error: "))
    if result.signal is not None:
        return f"The script was ended by signal {result.signal}."
    return f"The script ended with exit code {result.exit_code}."


def _messages() -> SpaceQuerySet[AgentMessage]:
    return AgentMessage.objects.unscoped(reason=_EVERY_SPACE)


def _executions() -> SpaceQuerySet[ActionExecution]:
    return ActionExecution.objects.unscoped(reason=_EVERY_SPACE)


def _publish(pks: list[int]) -> None:
    # One message for all, which the gateways also answer with one look into the mailbox.
    message = ",".join(map(str, pks))
    try_redis(lambda client: client.publish(MAILBOX_CHANNEL, message), None)


def may_have_been_taken(runs: Iterable[AgentMessage]) -> set[int]:
    """Return those of the commands, by primary key, that an agent has or may have.

    A gateway that dies takes with it what an agent answered, and so does a line that breaks: an
    agent that was there at any time since its command was written may run it.
    """
    commands = list(runs)
    taken = {run.pk for run in commands if run.accepted is not None}
    silent = [run for run in commands if run.accepted is None]
    contacts = last_contacts({run.agent_id for run in silent}) if silent else {}
    never = datetime.min.replace(tzinfo=UTC)
    return taken | {run.pk for run in silent if contacts.get(run.agent_id, never) >= run.created}
