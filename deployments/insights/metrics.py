"""How deployments go: frequency, lead time, failures, time to recover (projects.md 17); pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum


class Outcome(StrEnum):
    """What a deployment counts as.

    One that was canceled does not count, nor one whose time ran out in the queue: it changed
    nothing.
    """

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    NOT_COUNTED = "NotCounted"


def outcome_of(state: str, *, needed_guidance: bool) -> Outcome:
    """Return what a task's state counts as; a success that people helped along is a failure."""
    if state == "Success":
        return Outcome.FAILED if needed_guidance else Outcome.SUCCEEDED
    return Outcome.FAILED if state == "Failed" else Outcome.NOT_COUNTED


@dataclass(frozen=True, slots=True)
class Ended:
    """A deployment that counts. `release` grows with the age of releases within a channel.

    It waited since it was `due`: when it was queued, or later where it was scheduled.
    """

    release: int
    is_success: bool
    due: datetime
    started: datetime | None
    completed: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a place has come: an environment, for a channel and a tenant or none.

    `reached` is the newest release that succeeded there, `broken` since when nothing has.
    """

    reached: int = 0
    broken: datetime | None = None

    def after(self, release: int, completed: datetime, *, is_success: bool) -> "Standing":
        """Return how it stands when one more deployment has ended."""
        if is_success:
            return Standing(max(self.reached, release))
        return Standing(self.reached, self.broken or completed)


@dataclass(frozen=True, slots=True)
class Spans:
    """What a success adds to the means; None where there is nothing to be measured."""

    lead: timedelta | None = None
    recovery: timedelta | None = None
    duration: timedelta | None = None
    queueing: timedelta | None = None


def spans_of(
    row: Ended, standing: Standing, oldest_made: Callable[[int, int], datetime | None]
) -> Spans:
    """Return the spans of a deployment, given how its place stood before.

    `oldest_made` tells when the oldest release was made after one number and up to another. Lead
    time runs from there: those are the releases whose changes the deployment brought along.
    Recovery runs from the first failure of a row of them to the success that ends it.
    """
    if not row.is_success:
        return Spans()
    made = None
    if row.release > standing.reached:
        made = oldest_made(standing.reached, row.release)
    started = row.started
    return Spans(
        lead=None if made is None else row.completed - made,
        recovery=None if standing.broken is None else row.completed - standing.broken,
        duration=None if started is None else row.completed - started,
        queueing=None if started is None else max(started - row.due, timedelta()),
    )


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


def by_week(
    counted: Mapping[date, tuple[int, int]], first: date, last: date
) -> list[tuple[date, int, int]]:
    """Return Monday, successes and failures of each week from that of `first` to that of `last`.

    `counted` has those of the weeks, by Monday, in which anything ended.
    """
    monday, weeks = first - timedelta(days=first.weekday()), []
    while monday <= last:
        weeks.append((monday, *counted.get(monday, (0, 0))))
        monday += timedelta(days=7)
    return weeks
