"""Which releases are kept and why; pure.

Releases are shown to a `Keeper` newest first, one after the other; what it remembers grows with the
phases, environments and tenants only, never with the releases.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from deployments.projects.retention import RetentionPolicy

_OUTSIDE, _UNDEPLOYED = -1, -2
_MOST_NAMES = 5


class Reason(StrEnum):
    """Why a release is kept or deleted."""

    IN_PROGRESS = "InProgress"
    HELD = "Held"
    CURRENT = "Current"
    PREVIOUS = "Previous"
    FOREVER = "Forever"
    WITHIN_COUNT = "WithinCount"
    WITHIN_DAYS = "WithinDays"
    USED = "Used"
    MAYBE_USED = "MaybeUsed"
    BEYOND_COUNT = "BeyondCount"
    TOO_OLD = "TooOld"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment as the rule needs it; `channel` is 0 unless channels are apart."""

    release: int
    environment: int
    tenant: int
    channel: int = 0
    is_success: bool = True
    is_under_way: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A release with the environments that it was ever deployed to.

    `last_used` is when it was last deployed, else when it was made. `held_by` says what else needs
    it, in words.
    """

    number: int
    version: str
    channel: int
    last_used: datetime
    environments: frozenset[int] = frozenset()
    held_by: str = ""


@dataclass(frozen=True, slots=True)
class PhaseRule:
    """A phase with the policy that it has or inherits."""

    name: str
    environments: frozenset[int]
    policy: RetentionPolicy


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """A lifecycle; `policy` is for releases that were never deployed."""

    policy: RetentionPolicy
    phases: Sequence[PhaseRule] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a release; `words` say why."""

    candidate: Candidate
    is_kept: bool
    reason: Reason
    words: str


@dataclass
class Protection:
    """What people see or would go back to: found from all deployments, the newest first.

    The current release of a cell (an environment, with its tenant) is that of the newest
    deployment, whatever became of it. The previous one is the newest other one that succeeded.
    """

    current: dict[tuple[int, int, int], int] = field(default_factory=dict)
    previous: dict[tuple[int, int, int], int] = field(default_factory=dict)
    under_way: set[int] = field(default_factory=set)

    def see(self, deployed: Deployed) -> None:
        """Take the next older deployment into account."""
        if deployed.is_under_way:
            self.under_way.add(deployed.release)
        cell = (deployed.environment, deployed.tenant, deployed.channel)
        current = self.current.setdefault(cell, deployed.release)
        if deployed.is_success and deployed.release != current:
            self.previous.setdefault(cell, deployed.release)


class Keeper:
    """Judges the releases of one project and lifecycle (of one channel, where they are apart)."""

    def __init__(
        self,
        lifecycle: LifecycleRule,
        protection: Protection,
        names: Mapping[int, str],
        now: datetime,
    ) -> None:
        self._lifecycle = lifecycle
        self._names = names
        self._now = now
        self._under_way = protection.under_way
        self._current = _by_release(protection.current)
        self._previous = _by_release(protection.previous)
        self._counts: dict[int, int] = {}

    def judge(self, candidate: Candidate) -> Verdict:
        """Return what becomes of the next older release."""
        protected = self._protected(candidate)
        if protected is not None:
            return protected
        reached = [
            position
            for position, phase in enumerate(self._lifecycle.phases)
            if phase.environments & candidate.environments
        ]
        if not reached and candidate.environments:
            # The lifecycle no longer has the environments: the release counts as one of the last.
            reached = [_OUTSIDE]
        policy = self._policy(reached)
        if policy.keeps_everything:
            return Verdict(
                candidate, True, Reason.FOREVER, f"{self._place(reached)}: everything is kept"
            )
        if policy.unit == "Days":
            return self._by_age(candidate, policy, reached)
        return self._by_count(candidate, policy, reached or [_UNDEPLOYED])

    def _protected(self, candidate: Candidate) -> Verdict | None:
        number = candidate.number
        if number in self._under_way:
            return Verdict(candidate, True, Reason.IN_PROGRESS, "a deployment of it has not ended")
        if number in self._current:
            where = self._words(self._current[number])
            return Verdict(candidate, True, Reason.CURRENT, f"current in {where}")
        if number in self._previous:
            where = self._words(self._previous[number])
            return Verdict(candidate, True, Reason.PREVIOUS, f"the one to go back to in {where}")
        if candidate.held_by:
            return Verdict(candidate, True, Reason.HELD, candidate.held_by)
        return None

    def _policy(self, reached: Sequence[int]) -> RetentionPolicy:
        """Return the policy of the furthest phase that was reached, else the lifecycle's."""
        if not reached or reached[-1] < 0:
            return self._lifecycle.policy
        return self._lifecycle.phases[reached[-1]].policy

    def _by_age(
        self, candidate: Candidate, policy: RetentionPolicy, reached: Sequence[int]
    ) -> Verdict:
        age = (self._now - candidate.last_used).days
        is_kept = self._now - candidate.last_used < timedelta(days=policy.quantity)
        reason = Reason.WITHIN_DAYS if is_kept else Reason.TOO_OLD
        words = f"{self._place(reached)}: last used {age} days ago, {policy.words} are kept"
        return Verdict(candidate, is_kept, reason, words)

    def _by_count(
        self, candidate: Candidate, policy: RetentionPolicy, places: Sequence[int]
    ) -> Verdict:
        """Keep the release while any phase that it reached has room for one more."""
        room = next((at for at in places if self._counts.get(at, 0) < policy.quantity), None)
        if room is None:
            words = f"{self._place(places)}: {policy.words} kept already"
            return Verdict(candidate, False, Reason.BEYOND_COUNT, words)
        for at in places:
            self._counts[at] = self._counts.get(at, 0) + 1
        words = f"{self._place([room])}: number {self._counts[room]} of {policy.quantity}"
        return Verdict(candidate, True, Reason.WITHIN_COUNT, words)

    def _place(self, reached: Sequence[int]) -> str:
        if not reached or reached[-1] == _UNDEPLOYED:
            return "never deployed"
        names = [self._lifecycle.phases[at].name for at in reached if at >= 0]
        return " and ".join(names) or "outside the lifecycle"

    def _words(self, environments: Collection[int]) -> str:
        names = [self._names.get(number, f"Environments-{number}") for number in environments]
        return ", ".join(names[:_MOST_NAMES]) + (" and others" if len(names) > _MOST_NAMES else "")


def _by_release(cells: Mapping[tuple[int, int, int], int]) -> dict[int, list[int]]:
    """Return the environments of the cells by release, each once."""
    found: dict[int, dict[int, None]] = {}
    for (environment, *_), release in cells.items():
        found.setdefault(release, {})[environment] = None
    return {release: list(environments) for release, environments in found.items()}
