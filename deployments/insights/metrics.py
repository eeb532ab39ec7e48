"""How deployments go: frequency, lead time, failures, time to recover (projects.md 17); pure."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

# A channel, an environment and a tenant (0 without one).
Scope = tuple[int, int, int]


class Outcome(StrEnum):
    """What a deployment counts as.

    One that was canceled does not count, nor one whose time ran out in the queue: it changed
    nothing.
    """

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    NOT_COUNTED = "NotCounted"


@dataclass(frozen=True, slots=True)
class Ended:
    """A deployment that has ended.

    `release` grows with the age of releases within a channel. It waited since it was `due`: when it
    was queued, or later where it was scheduled.
    """

    channel: int
    environment: int
    release: int
    state: str
    due: datetime
    started: datetime | None
    completed: datetime
    tenant: int = 0
    needed_guidance: bool = False

    @property
    def outcome(self) -> Outcome:
        """A success that people had to help along is a failure."""
        if self.state == "Success":
            return Outcome.FAILED if self.needed_guidance else Outcome.SUCCEEDED
        return Outcome.FAILED if self.state == "Failed" else Outcome.NOT_COUNTED

    @property
    def scope(self) -> Scope:
        return self.channel, self.environment, self.tenant


@dataclass(frozen=True, slots=True)
class Metrics:
    """The numbers of a period; None where nothing was there to be measured.

    `weeks` counts how often each outcome came in the week of a Monday.
    """

    succeeded: int = 0
    failed: int = 0
    lead_time: timedelta | None = None
    time_to_recover: timedelta | None = None
    duration: timedelta | None = None
    queue_time: timedelta | None = None
    weeks: Mapping[tuple[date, Outcome], int] = field(default_factory=dict)

    @property
    def failure_rate(self) -> float | None:
        """The failed ones among all that count, in percent."""
        counted = self.succeeded + self.failed
        return 100 * self.failed / counted if counted else None


@dataclass
class Standing:
    """How far each scope has come.

    `reached` has the newest release that succeeded there, `broken` since when nothing has.
    """

    reached: dict[Scope, int] = field(default_factory=dict)
    broken: dict[Scope, datetime] = field(default_factory=dict)


@dataclass
class _Sum:
    total: timedelta = timedelta()
    count: int = 0

    def add(self, span: timedelta) -> None:
        self.total += span
        self.count += 1

    @property
    def mean(self) -> timedelta | None:
        return self.total / self.count if self.count else None


@dataclass
class _Sums:
    lead: _Sum = field(default_factory=_Sum)
    recover: _Sum = field(default_factory=_Sum)
    duration: _Sum = field(default_factory=_Sum)
    queue: _Sum = field(default_factory=_Sum)
    weeks: Counter[tuple[date, Outcome]] = field(default_factory=Counter)


# Of a channel: the numbers of its releases in order, and when each was made.
Releases = Mapping[int, tuple[Sequence[int], Sequence[datetime]]]


def measure(deployments: Iterable[Ended], releases: Releases, standing: Standing) -> Metrics:
    """Return the metrics of deployments, given in the order in which they ended.

    `standing` is how things stood before; it is carried on, so that the next period may follow.
    Lead time runs from when the oldest release was made whose changes a deployment brought along.
    Recovery runs from the first failure of a row of them to the next success, and counts for the
    period of the success.
    """
    sums = _Sums()
    counts: Counter[Outcome] = Counter()
    for row in deployments:
        outcome = row.outcome
        if outcome is Outcome.NOT_COUNTED:
            continue
        counts[outcome] += 1
        sums.weeks[_monday(row.completed.date()), outcome] += 1
        if outcome is Outcome.FAILED:
            standing.broken.setdefault(row.scope, row.completed)
        else:
            _add_success(sums, row, releases, standing)
    return Metrics(
        counts[Outcome.SUCCEEDED],
        counts[Outcome.FAILED],
        sums.lead.mean,
        sums.recover.mean,
        sums.duration.mean,
        sums.queue.mean,
        sums.weeks,
    )


def by_week(metrics: Metrics, first: date, last: date) -> list[tuple[date, int, int]]:
    """Return Monday, successes and failures of each week from that of `first` to that of `last`."""
    mondays, monday = [], _monday(first)
    while monday <= last:
        mondays.append(monday)
        monday += timedelta(days=7)
    found = metrics.weeks
    return [
        (day, found.get((day, Outcome.SUCCEEDED), 0), found.get((day, Outcome.FAILED), 0))
        for day in mondays
    ]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _add_success(sums: _Sums, row: Ended, releases: Releases, standing: Standing) -> None:
    if row.started is not None:
        sums.duration.add(row.completed - row.started)
        sums.queue.add(max(row.started - row.due, timedelta()))
    failed_at = standing.broken.pop(row.scope, None)
    if failed_at is not None:
        sums.recover.add(row.completed - failed_at)
    before = standing.reached.get(row.scope, 0)
    if row.release <= before:
        return
    standing.reached[row.scope] = row.release
    numbers, made = releases.get(row.channel, ((), ()))
    brought = made[bisect_right(numbers, before) : bisect_left(numbers, row.release + 1)]
    if brought:
        sums.lead.add(row.completed - min(brought))
