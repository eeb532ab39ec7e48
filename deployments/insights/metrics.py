"""How deployments go: frequency, lead time, failures, time to recover (projects.md 17); pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum


class Outcome(StrEnum):
    """What a deployment counts as; one that was canceled does not count."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    NOT_COUNTED = "NotCounted"


@dataclass(frozen=True, slots=True)
class Ended:
    """A deployment that has ended. `release` grows with the age of releases within a channel."""

    channel: int
    environment: int
    release: int
    state: str
    queued: datetime
    started: datetime | None
    completed: datetime
    tenant: int = 0
    needed_guidance: bool = False

    @property
    def outcome(self) -> Outcome:
        """A success that people had to help along is a failure."""
        if self.state == "Success":
            return Outcome.FAILED if self.needed_guidance else Outcome.SUCCEEDED
        return Outcome.FAILED if self.state in {"Failed", "TimedOut"} else Outcome.NOT_COUNTED

    @property
    def scope(self) -> tuple[int, int, int]:
        return self.channel, self.environment, self.tenant


@dataclass(frozen=True, slots=True)
class Metrics:
    """The numbers of a period; None where nothing was there to be measured."""

    succeeded: int = 0
    failed: int = 0
    lead_time: timedelta | None = None
    time_to_recover: timedelta | None = None
    duration: timedelta | None = None
    queue_time: timedelta | None = None

    @property
    def failure_rate(self) -> float | None:
        """The failed ones among all that count, in percent."""
        counted = self.succeeded + self.failed
        return 100 * self.failed / counted if counted else None


@dataclass
class _Sums:
    lead: list[timedelta] = field(default_factory=list)
    recover: list[timedelta] = field(default_factory=list)
    duration: list[timedelta] = field(default_factory=list)
    queue: list[timedelta] = field(default_factory=list)
    succeeded: int = 0
    failed: int = 0


# Of a channel: the numbers of its releases in order, and when each was made.
Releases = Mapping[int, tuple[Sequence[int], Sequence[datetime]]]


def measure(
    deployments: Iterable[Ended],
    releases: Releases,
    reached: Mapping[tuple[int, int, int], int] | None = None,
) -> Metrics:
    """Return the metrics of deployments.

    `reached` has the newest release that was there before the period, by channel, environment and
    tenant. Lead time runs from when the oldest release was made whose changes a deployment brought
    along. Recovery runs from the first failure of a row of them to the next success.
    """
    newest = dict(reached or {})
    broken: dict[tuple[int, int, int], datetime] = {}
    sums = _Sums()
    for row in sorted(deployments, key=lambda each: each.completed):
        if row.outcome is Outcome.FAILED:
            sums.failed += 1
            broken.setdefault(row.scope, row.completed)
        elif row.outcome is Outcome.SUCCEEDED:
            _add_success(sums, row, releases, newest, broken)
    return Metrics(
        sums.succeeded,
        sums.failed,
        _mean(sums.lead),
        _mean(sums.recover),
        _mean(sums.duration),
        _mean(sums.queue),
    )


def by_week(deployments: Iterable[Ended], first: date, last: date) -> list[tuple[date, int, int]]:
    """Return Monday, successes and failures of each week from that of `first` to that of `last`."""
    monday, weeks = first - timedelta(days=first.weekday()), {}
    while monday <= last:
        weeks[monday] = [0, 0]
        monday += timedelta(days=7)
    for row in deployments:
        day = row.completed.date()
        counts = weeks.get(day - timedelta(days=day.weekday()))
        if counts is not None and row.outcome is not Outcome.NOT_COUNTED:
            counts[row.outcome is Outcome.FAILED] += 1
    return [(day, succeeded, failed) for day, (succeeded, failed) in weeks.items()]


def _add_success(
    sums: _Sums,
    row: Ended,
    releases: Releases,
    newest: dict[tuple[int, int, int], int],
    broken: dict[tuple[int, int, int], datetime],
) -> None:
    sums.succeeded += 1
    if row.started is not None:
        sums.duration.append(row.completed - row.started)
        sums.queue.append(row.started - row.queued)
    failed_at = broken.pop(row.scope, None)
    if failed_at is not None:
        sums.recover.append(row.completed - failed_at)
    before = newest.get(row.scope, 0)
    if row.release <= before:
        return
    newest[row.scope] = row.release
    numbers, made = releases.get(row.channel, ((), ()))
    brought = made[bisect_right(numbers, before) : bisect_left(numbers, row.release + 1)]
    if brought:
        sums.lead.append(row.completed - min(brought))


def _mean(spans: Sequence[timedelta]) -> timedelta | None:
    return sum(spans, timedelta()) / len(spans) if spans else None
