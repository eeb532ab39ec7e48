"""Control messages that the gateway sends."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from agent.contracts import limits
from agent.contracts.messages.checks import Range
from agent.contracts.messages.shared import (
    CommandId,
    Error,
    JsonObject,
    Offset,
    Seconds,
    Sha256,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """Limits that the server sets for a session; sizes in bytes."""

    command_window: Annotated[int, Range(1, 2**40)] = limits.COMMAND_WINDOW
    connection_window: Annotated[int, Range(1, 2**40)] = limits.CONNECTION_WINDOW
    max_running: Annotated[int, Range(1, 10**6)] = limits.MAX_RUNNING
    tombstone_s: Seconds = limits.TOMBSTONE_RETENTION


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """The length of a command's durable log: the agent sends output from here."""

    id: CommandId
    offset: Offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """Answer to `hello`; commands that it names nowhere are resumed from offset 0.

    `cancel` takes effect before anything else. `forget` releases what has finished; a command that
    still runs is released when it ends, one that has not started never will.
    """

    KIND: ClassVar[str] = "welcome"

    session: Offset
    protocol: int = limits.PROTOCOL_VERSION
    server_time_ms: Offset = 0
    heartbeat_s: Seconds = limits.PING_INTERVAL
    limits: SessionLimits = SessionLimits()
    resume: tuple[ResumePoint, ...] = ()
    cancel: tuple[CommandId, ...] = ()
    forget: tuple[CommandId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """Which commands may overlap: exclusive ones never with another of the same name.

    `wait_s` is the longest wait for the turn; 0 means until the time to start has passed.
    """

    name: str = "machine"
    mode: Literal["exclusive", "shared"] = "exclusive"
    wait_s: Seconds = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecRef:
    """Where a spec is too big to travel in the frame; fetched over HTTPS by command id."""

    size: Annotated[int, Range(1, limits.MAX_SPEC)]
    sha256: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Run a command once. Exactly one of `spec` and `spec_ref` is set.

    `spec_hash` is the SHA-256 of the canonical spec. `ttl_s` is the time left to start in,
    `deadline_s` the longest run, `grace_s` the time between TERM and KILL, `spool_cap` in bytes.
    """

    KIND: ClassVar[str] = "run"

    id: CommandId
    kind: str
    spec_hash: Sha256
    spec: JsonObject | None = None
    spec_ref: SpecRef | None = None
    ttl_s: Seconds = limits.DEFAULT_TTL
    deadline_s: Seconds = limits.DEFAULT_DEADLINE
    grace_s: Seconds = limits.DEFAULT_GRACE
    spool_cap: Offset = limits.SPOOL_CAP
    isolation: Isolation = Isolation()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutAck:
    """Everything below `offset` is durable. With `rewind` the agent sends again from there."""

    KIND: ClassVar[str] = "out_ack"

    id: CommandId
    offset: Offset
    rewind: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalAck:
    """The result and the whole log are durable: the agent may release the command."""

    KIND: ClassVar[str] = "final_ack"

    id: CommandId


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Stop a command in whatever state it is, also before its `run` has arrived."""

    KIND: ClassVar[str] = "cancel"

    id: CommandId
    grace_s: Seconds = limits.DEFAULT_GRACE
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Ask for the state of some commands, or of every unreleased one when `ids` is absent."""

    KIND: ClassVar[str] = "query"

    ids: tuple[CommandId, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoAway:
    """Leave this gateway: close and come back at a random time within `after_s`."""

    KIND: ClassVar[str] = "goaway"

    after_s: Seconds = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """Replace the agent by another version; `url` is a path on the server, `size` in bytes.

    The agent names `request` when it tells how far it is.
    """

    KIND: ClassVar[str] = "upgrade"

    version: str
    url: str
    sha256: Sha256
    size: Offset = 0
    request: str = ""


FromServer = Welcome | Run | OutAck | FinalAck | Cancel | Query | GoAway | Upgrade | Error
