"""What is decided about a task, and from what; free of Django."""

from dataclasses import dataclass

from deployments.execution.guided import FORGIVEN, Answer
from deployments.execution.states import ExecutionState
from deployments.server_tasks.states import TaskState

_BAD = frozenset({ExecutionState.FAILED, ExecutionState.LOST, ExecutionState.CANCELED})


@dataclass(frozen=True, slots=True)
class Seen:
    """One attempt; `finished` is unix seconds, None while it lives; `answer` is of its failure."""

    action_id: str
    target_id: str
    attempt: int
    state: ExecutionState
    finished: float | None = None
    answer: Answer = Answer.NONE

    @property
    def is_failure(self) -> bool:
        """Whether it counts as a failure of the deployment."""
        return self.state in _BAD and self.answer not in FORGIVEN


@dataclass(frozen=True, slots=True)
class Flags:
    """What else counts: the time (unix seconds) and how often a person asked to cancel."""

    now: float
    cancel_requests: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    action_id: str
    target_id: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Skip:
    action_id: str
    target_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask people what to do about a failed attempt."""

    action_id: str
    target_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Cancel:
    action_id: str
    target_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Finish:
    state: TaskState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """`waiting`: all that lives waits for people and blocks nobody. `wake_at`: a retry is due.

    `waits_for_all`: nothing begins before all that lives has ended, however each of it ends.
    """

    starts: tuple[Start, ...] = ()
    skips: tuple[Skip, ...] = ()
    cancels: tuple[Cancel, ...] = ()
    asks: tuple[Ask, ...] = ()
    finish: Finish | None = None
    waiting: bool = False
    wake_at: float | None = None
    waits_for_all: bool = False
