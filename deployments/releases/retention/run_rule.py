"""Which runs of a runbook are kept and why; pure.

Runs are shown to a `RunKeeper` newest first; what it remembers grows with environments and tenants.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.projects.retention import RetentionPolicy
from deployments.releases.retention.rule import Reason


@dataclass(frozen=True, slots=True)
class RunCandidate:
    """A run; `tenant` is 0 without one."""

    number: int
    environment: int
    tenant: int
    created: datetime
    is_under_way: bool = False


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """What becomes of a run; `words` say why."""

    candidate: RunCandidate
    is_kept: bool
    reason: Reason
    words: str


class RunKeeper:
    """Judges the runs of one runbook, in each environment and for each tenant by itself.

    Every run counts, however it ended. The newest one there always stays: lists show it.
    """

    def __init__(self, policy: RetentionPolicy, now: datetime) -> None:
        self._policy = policy
        self._now = now
        self._seen: dict[tuple[int, int], int] = {}

    def judge(self, run: RunCandidate) -> RunVerdict:
        """Return what becomes of the next older run."""
        place = (run.environment, run.tenant)
        number = self._seen[place] = self._seen.get(place, 0) + 1
        policy, said = self._policy, self._policy.words_for("run")
        if run.is_under_way:
            return RunVerdict(run, True, Reason.IN_PROGRESS, "it has not ended")
        if number == 1:
            return RunVerdict(run, True, Reason.CURRENT, "the last one there")
        if policy.keeps_everything:
            return RunVerdict(run, True, Reason.FOREVER, "everything is kept")
        if policy.unit == "Days":
            age = self._now - run.created
            is_kept = age < timedelta(days=policy.quantity)
            reason = Reason.WITHIN_DAYS if is_kept else Reason.TOO_OLD
            return RunVerdict(run, is_kept, reason, f"{age.days} days old, {said} are kept")
        if number <= policy.quantity:
            words = f"number {number} of {policy.quantity}"
            return RunVerdict(run, True, Reason.WITHIN_COUNT, words)
        return RunVerdict(run, False, Reason.BEYOND_COUNT, f"{said} kept already")
