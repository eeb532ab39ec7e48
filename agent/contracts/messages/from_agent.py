"""Control messages that the agent sends (output travels in binary frames: `out_frame`)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from agent.contracts.messages.shared import (
    CommandId,
    CommandReport,
    Error,
    Offset,
    Seconds,
    Sha256,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """First message of a session: who the agent is and every command it has not released.

    `commands` holds at most MAX_LISTED_COMMANDS; when `more_commands` is true the server asks for
    the rest with `query`. `journal_high` counts journal records: a smaller number than before means
    that the state folder was rolled back. Sizes are bytes.
    """

    KIND: ClassVar[str] = "hello"

    protocols: tuple[int, ...]
    agent_version: str
    boot_id: str
    os: str = ""
    architecture: str = ""
    hostname: str = ""
    shells: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    capacity: Offset = 0
    free_disk: Offset = 0
    journal_high: Offset = 0
    commands: tuple[CommandReport, ...] = ()
    more_commands: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The command is in the agent's journal, on disk; it will start or end without starting."""

    KIND: ClassVar[str] = "accepted"

    id: CommandId


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The command is not in the journal and was not started by this `run`.

    Codes: duplicate_conflict, expired, cancelled, disk_full, unsupported, bad_hash, draining, busy.
    """

    KIND: ClassVar[str] = "rejected"

    id: CommandId
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A runner holds the command; `time_ms` is the agent's unix time, for display only."""

    KIND: ClassVar[str] = "started"

    id: CommandId
    time_ms: Offset = 0
    pid: Offset = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Sign of life of a running command, every PROGRESS_INTERVAL; `offset` as in CommandReport."""

    KIND: ClassVar[str] = "progress"

    id: CommandId
    offset: Offset = 0
    elapsed_ms: Offset = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The end of a command, repeated on every connect until `final_ack`.

    `started` false means that no user code ran. `reason` is "" when the script ended by itself,
    else deadline, cancelled, spool_cap, expired, lost, or "error: ...". `bytes` and `sha256` cover
    the payload of all its output frames; the server completes it when its own log is `bytes` long.
    """

    KIND: ClassVar[str] = "finished"

    id: CommandId
    started: bool
    exit: int | None = None
    signal: int | None = None
    reason: str = ""
    message: str = ""
    bytes: Offset = 0
    sha256: Sha256 | None = None
    duration_ms: Offset = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAck:
    """What a `cancel` met: it will never start, its runner was signalled, or it had ended."""

    KIND: ClassVar[str] = "cancel_ack"

    id: CommandId
    state: Literal["tombstoned", "signalled", "already_finished"]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Answer to `query`, and to a `run` whose id is already in the journal with the same hash.

    A long answer comes in several messages; `last` is true on the final one.
    """

    KIND: ClassVar[str] = "state"

    commands: tuple[CommandReport, ...]
    last: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeState:
    """How far an `upgrade` is; the last one is told again after every `welcome`.

    Stages: downloading, checking, trying, and at the end done, failed or refused.
    """

    KIND: ClassVar[str] = "upgrade_state"

    version: str
    stage: str
    detail: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye:
    """The agent closes on purpose; running commands go on without it."""

    KIND: ClassVar[str] = "goodbye"

    reason: str = ""
    reconnect_s: Seconds | None = None


FromAgent = (
    Hello
    | Accepted
    | Rejected
    | Started
    | Progress
    | Finished
    | CancelAck
    | State
    | UpgradeState
    | Goodbye
    | Error
)
