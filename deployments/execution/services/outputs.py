"""Output variables: from the records of a log to rows; sensitive ones sealed again."""

import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog

from agent.contracts.sealing import SealBroken, unseal_text
from deployments.base.secrets import secret_box
from deployments.execution.models import ActionExecution, AgentMessage, OutputVariable

log = structlog.get_logger(__name__)

Record = Mapping[str, Any]
_EVERY_SPACE = "output of agents of every space"
_MOST_MESSAGE = 500
_LONGEST_NAME = 1000


def output_key(message_id: UUID | str) -> bytes:
    """Return the key that seals the sensitive outputs of a command; derived, never stored."""
    return _key_of(message_id, secret_box().key)


def _key_of(message_id: UUID | str, master_key: bytes) -> bytes:
    return hmac.digest(master_key, f"output key:{message_id}".encode(), "sha256")


def _unsealed(message_id: UUID | str, text: str) -> str:
    """Return what a command sealed, one that began before the master key changed as well."""
    try:
        return unseal_text(output_key(message_id), text)
    except SealBroken:
        for key in secret_box().others:
            with suppress(SealBroken):
                return unseal_text(_key_of(message_id, key), text)
        raise


def secret_place(execution_pk: int, name: str) -> str:
    """Return what a sealed output is bound to."""
    return f"output:{execution_pk}:{name}"


def open_value(row: OutputVariable) -> str:
    """Return the value in clear."""
    if row.sealed_value is None:
        return row.value
    place = secret_place(row.execution_id, row.name)
    return secret_box().open(bytes(row.sealed_value), place=place).reveal()


def record_outputs(records: Mapping[int, Sequence[Record]]) -> None:
    """Store the output variables and progress among the records (by execution's row number).

    The caller gives every record once, in the transaction that makes its bytes durable. A value
    in several parts grows row by row; a sealed one stays sealed until it is whole.
    """
    wanted = {pk: _outputs(of_one) for pk, of_one in records.items()}
    wanted = {pk: of_one for pk, of_one in wanted.items() if of_one}
    if wanted:
        _store_outputs(wanted)
    for pk, of_one in records.items():
        latest = next((r for r in reversed(of_one) if r.get("t") == "progress"), None)
        if latest is not None:
            _store_progress(pk, latest)


def storable(text: str) -> str:
    """Return the text as every database takes it: no NUL, no lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _outputs(records: Sequence[Record]) -> list[Record]:
    return [r for r in records if r.get("t") == "output" and isinstance(r.get("name"), str)]


def _store_outputs(wanted: Mapping[int, Sequence[Record]]) -> None:
    executions = {
        row.pk: row
        for row in ActionExecution.objects.unscoped(reason=_EVERY_SPACE).filter(pk__in=wanted)
    }
    commands = dict(
        AgentMessage.objects.unscoped(reason=_EVERY_SPACE)
        .filter(execution__in=wanted, kind="run")
        .values_list("execution_id", "message_id")
    )
    known = {
        (row.execution_id, row.name): row
        for row in OutputVariable.objects.unscoped(reason=_EVERY_SPACE).filter(execution__in=wanted)
    }
    changed: dict[tuple[int, str], OutputVariable] = {}
    for pk, records in wanted.items():
        execution = executions.get(pk)
        if execution is None:
            continue
        for record in records:
            name = storable(record["name"][:_LONGEST_NAME])
            key = (pk, name)
            row = changed.get(key) or known.get(key) or _new_row(execution, name)
            _apply(row, record, commands.get(pk))
            changed[key] = row
    OutputVariable.objects.bulk_create(
        list(changed.values()),
        update_conflicts=True,
        unique_fields=["execution", "name"],
        update_fields=["value", "sealed_value", "is_sensitive"],
    )


def _new_row(execution: ActionExecution, name: str) -> OutputVariable:
    return OutputVariable(
        space_id=execution.space_id,
        task_id=execution.task_id,
        execution=execution,
        name=name,
    )


def _apply(row: OutputVariable, record: Record, command: UUID | None) -> None:
    part, parts = _number(record.get("part"), 0), _number(record.get("parts"), 1)
    is_sealed = "sealed" in record
    text = storable(str(record.get("sealed" if is_sealed else "value", "")))
    row.value = text if part == 0 else row.value + text
    row.sealed_value = None
    row.is_sensitive = is_sealed
    if is_sealed and part == parts - 1:
        _seal_again(row, command)


def _number(value: Any, default: int) -> int:
    return value if isinstance(value, int) else default


def _seal_again(row: OutputVariable, command: UUID | None) -> None:
    try:
        plain = storable(_unsealed(command or "", row.value))
    except SealBroken as error:
        log.warning(
            "a sensitive output cannot be read", execution=row.execution_id, error=str(error)
        )
        plain = ""
    row.value = ""
    row.sealed_value = secret_box().seal(plain, place=secret_place(row.execution_id, row.name))


def _store_progress(pk: int, record: Record) -> None:
    try:
        percentage = min(100, max(0, int(float(record.get("percentage") or 0))))
    except (TypeError, ValueError, OverflowError):
        percentage = 0
    ActionExecution.objects.unscoped(reason=_EVERY_SPACE).filter(pk=pk).update(
        progress_percentage=percentage,
        progress_message=storable(str(record.get("message") or ""))[:_MOST_MESSAGE],
    )
