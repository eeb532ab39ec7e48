"""Reading the mailbox: which messages an agent still needs, as messages of the protocol."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from django.db.models import OuterRef, Subquery

from agent.contracts import limits
from agent.contracts.messages import Cancel, Isolation, Run, SpecRef
from deployments.base.clock import Clock, utc_now
from deployments.base.querysets import SpaceQuerySet
from deployments.execution.models import AgentMessage
from deployments.execution.services.mailbox import FinishedResult, apply_finished, open_spec

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One unfinished message. `command_id` is the id of the `run` also for its `cancel`."""

    pk: int
    agent_pk: int
    execution_pk: int
    kind: str
    command_id: str
    is_accepted: bool
    log_length: int


def unfinished(agent_pks: Iterable[int]) -> list[Delivery]:
    """Return what is unfinished for these agents, oldest first; one query."""
    rows = (
        _messages()
        .filter(agent_id__in=list(agent_pks), finished=None)
        .order_by("id")
        .values_list(
            "pk",
            "agent_id",
            "execution_id",
            "kind",
            "command_id",
            "accepted",
            "execution__log_length",
        )
    )
    return [
        Delivery(pk, agent, execution, kind, str(command), accepted is not None, length)
        for pk, agent, execution, kind, command, accepted, length in rows
    ]


def wire_messages(
    pks: Iterable[int], *, clock: Clock = utc_now
) -> dict[int, list[tuple[int, Run | Cancel]]]:
    """Load messages with their bodies; return by agent (execution, message of the protocol).

    A run that cannot be read is ended, because it could never be told.
    """
    rows = _messages().filter(pk__in=list(pks), finished=None)
    # A run beside which a cancel stands is not told any more.
    rows = rows.exclude(kind=Run.KIND, cancelled__isnull=False)
    now = clock()
    found: dict[int, list[tuple[int, Run | Cancel]]] = {}
    for row in rows.order_by("id"):
        message = _wire_message(row, (now - row.created).total_seconds())
        if message is not None:
            found.setdefault(row.agent_id, []).append((row.execution_id, message))
    return found


def _wire_message(row: Any, age_s: float) -> Run | Cancel | None:
    if row.kind != Run.KIND:
        return _cancel(row)
    try:
        return _run(row, age_s)
    except Exception as error:  # noqa: BLE001 the type only: its text may quote what is secret
        log.error("a command cannot be read", message=row.pk, error=type(error).__name__)  # noqa: TRY400
        reason = "error: The command cannot be read with the master key of this server."
        apply_finished([FinishedResult(str(row.command_id), started=False, reason=reason)])
        return None


def _messages() -> SpaceQuerySet[Any]:
    """Return all messages with `command_id`: a cancel names the run of the same execution."""
    every = AgentMessage.objects.unscoped(reason="the gateway serves the agents of all spaces")
    runs = every.filter(execution=OuterRef("execution"), kind=Run.KIND)
    return every.annotate(command_id=Subquery(runs.values("message_id")[:1]))


def _run(row: Any, age_s: float) -> Run:
    header: dict[str, Any] = row.header
    body = open_spec(row)
    inline = len(body) <= limits.MAX_INLINE_SPEC
    return Run(
        id=str(row.command_id),
        kind=header["kind"],
        spec_hash=row.spec_sha256,
        spec=orjson.loads(body) if inline else None,
        spec_ref=None if inline else SpecRef(size=len(body), sha256=row.spec_sha256),
        ttl_s=max(1.0, header.get("ttl_s", limits.DEFAULT_TTL) - age_s),
        deadline_s=header.get("deadline_s", limits.DEFAULT_DEADLINE),
        grace_s=header.get("grace_s", limits.DEFAULT_GRACE),
        isolation=Isolation(**header.get("isolation", {})),
        spool_cap=header.get("spool_cap", limits.SPOOL_CAP),
    )


def _cancel(row: Any) -> Cancel:
    return Cancel(
        id=str(row.command_id),
        grace_s=row.header.get("grace_s", limits.DEFAULT_GRACE),
        reason=row.header.get("reason", ""),
    )
