"""One cell of a matrix: what is in an environment and what may go there next; pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

FAILED: Final = frozenset({"Failed", "TimedOut"})
UNDER_WAY: Final = frozenset({"Queued", "Executing", "Paused", "Cancelling"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the newest deployment of a cell stands."""

    project: int
    environment: int
    state: str
    is_waiting: bool = False

    @property
    def is_failed(self) -> bool:
        return self.state in FAILED

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed(Standing):
    """The newest deployment of a cell. `moment` is when it ended, began or was queued."""

    release: int
    version: str
    task: int
    moment: datetime
    has_warnings: bool = False
    waiting_reason: str = ""

    @property
    def shown_state(self) -> str:
        """The state to draw: a question to people and warnings go before what they hide."""
        if self.is_waiting:
            return "Paused"
        if self.state == "Success" and self.has_warnings:
            return "SuccessWithWarning"
        return self.state


@dataclass(frozen=True, slots=True)
class Cell:
    """An environment's place in a row. `next_version` may be deployed there now."""

    environment: int
    deployed: Deployed | None = None
    next_version: str = ""
    is_reachable: bool = True
