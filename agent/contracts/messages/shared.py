"""Field types and the parts that messages of both directions share."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from agent.contracts.messages.checks import Pattern, Range

CommandId = Annotated[str, Pattern(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
Sha256 = Annotated[str, Pattern(r"[0-9a-f]{64}")]
Offset = Annotated[int, Range(0, 2**63 - 1)]
Seconds = Annotated[float, Range(0, 10**9)]
JsonObject = dict[str, Any]

Phase = Literal["accepted", "started", "finished", "released", "cancelled", "unknown"]
"""accepted: journaled, not started; started: a runner holds it; finished: waits for `final_ack`;
released: finished and acknowledged; cancelled: tombstone, will never start; unknown: not here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReport:
    """One command as the agent's journal knows it.

    `offset` is the length of its output when it has finished, and until then the size of the spool
    file, which is a little larger. `needs_spec` is true when the agent was restarted before
    the start and waits for `run` again.
    """

    id: CommandId
    state: Phase
    offset: Offset = 0
    spec_hash: Sha256 | None = None
    needs_spec: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Answer to a message that could not be used; never fatal for the session.

    Codes: unsupported (unknown kind), malformed, too_big, unknown_command, not_ready.
    """

    KIND: ClassVar[str] = "error"

    code: str
    detail: str = ""
    re: str | None = None
    id: CommandId | None = None
