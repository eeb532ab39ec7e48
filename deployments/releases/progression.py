"""Where a release may go next in its lifecycle; pure.

A success is sticky: a later failed deployment takes nothing back. An unresolved defect blocks
every phase after the first that has no success yet.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Progress(StrEnum):
    PENDING = "Pending"
    CURRENT = "Current"
    COMPLETE = "Complete"


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase with its environments; `minimum` 0 asks for all of them.

    Deployments in one with `is_priority` go before others unless they say otherwise.
    """

    id: str
    name: str
    environments: tuple[int, ...]
    minimum: int = 0
    is_optional: bool = False
    is_priority: bool = False


@dataclass(frozen=True, slots=True)
class PhaseState:
    """How a release stands in a phase.

    `is_open` says that earlier phases let it in, `is_blocked` that a defect keeps it out.
    """

    phase: Phase
    environments: tuple[int, ...]
    succeeded: frozenset[int]
    required: int
    progress: Progress
    is_open: bool
    is_blocked: bool

    @property
    def is_deployable(self) -> bool:
        return self.is_open and not self.is_blocked


@dataclass(frozen=True, slots=True)
class Progression:
    """How a release stands in all phases and which environments come next."""

    phases: tuple[PhaseState, ...]
    has_defect: bool = False

    @property
    def current(self) -> PhaseState | None:
        """The first phase that is neither complete nor optional."""
        return next((p for p in self.phases if p.progress is Progress.CURRENT), None)

    @property
    def next_environments(self) -> tuple[int, ...]:
        """Deployable environments without a success, of phases not yet complete."""
        return tuple(
            environment
            for state in self.phases
            if state.is_deployable and state.progress is not Progress.COMPLETE
            for environment in state.environments
            if environment not in state.succeeded
        )

    @property
    def next_minimum(self) -> int:
        """How many more successes complete the current phase."""
        current = self.current
        return current.required - len(current.succeeded) if current else 0

    def state_of(self, environment: int) -> PhaseState | None:
        """Return the phase that has the environment."""
        return next((p for p in self.phases if environment in p.environments), None)

    def blocking(self, environment: int) -> PhaseState | None:
        """Return the phase that must be completed before the environment opens."""
        target = self.state_of(environment)
        for state in self.phases:
            if state is target:
                return None
            if not state.phase.is_optional and state.progress is not Progress.COMPLETE:
                return state
        return None

    def may_deploy_to(self, environment: int) -> bool:
        """Whether the lifecycle lets the release go to the environment."""
        state = self.state_of(environment)
        return state is not None and state.is_deployable


def progress_of(
    phases: Sequence[Phase],
    succeeded: Collection[int],
    *,
    has_defect: bool = False,
    connected: Collection[int] | None = None,
) -> Progression:
    """Work out the progression of one release (for one tenant).

    `succeeded` are the environments with at least one successful deployment; `connected`, for a
    tenant, those it is connected to: only they count, and a phase without any is skipped.
    """
    states: list[PhaseState] = []
    is_open, has_current, is_first = True, False, True
    for phase in phases:
        environments = tuple(
            number for number in phase.environments if connected is None or number in connected
        )
        done = frozenset(number for number in environments if number in succeeded)
        required = min(phase.minimum or len(environments), len(environments))
        is_complete = len(done) >= required
        is_current = is_open and not (is_complete or phase.is_optional or has_current)
        has_current = has_current or is_current
        states.append(
            PhaseState(
                phase=phase,
                environments=environments,
                succeeded=done,
                required=required,
                progress=_progress(is_complete=is_complete, is_current=is_current),
                is_open=is_open,
                is_blocked=has_defect and not is_first and not done,
            )
        )
        is_open = is_open and (is_complete or phase.is_optional)
        is_first = is_first and not environments
    return Progression(tuple(states), has_defect)


def progress_alike(
    phases: Sequence[Phase], *, has_defect: bool = False
) -> Callable[[frozenset[int], frozenset[int] | None], Progression]:
    """Return `progress_of` for many, by `succeeded` and `connected`: most of them stand alike."""

    @cache
    def progress(succeeded: frozenset[int], connected: frozenset[int] | None) -> Progression:
        return progress_of(phases, succeeded, has_defect=has_defect, connected=connected)

    return progress


def _progress(*, is_complete: bool, is_current: bool) -> Progress:
    if is_complete:
        return Progress.COMPLETE
    return Progress.CURRENT if is_current else Progress.PENDING
