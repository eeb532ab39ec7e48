"""When something scheduled runs next; pure.

Schedules are wall time in a zone. What clocks leap over or show twice is settled in walltime;
a schedule of every so many minutes goes by elapsed time between its hours.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Final

from deployments.projects.triggers.cron import runs_by_cron
from deployments.projects.triggers.walltime import moment_of, wall_of

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERY_DAY: Final = frozenset(range(7))
_WORKING_DAYS: Final = frozenset(range(5))
_ORDINALS: Final = {1: "first", 2: "second", 3: "third", 4: "fourth", 0: "last"}
# The longest way to a day that a schedule can ask for is that to the next 31st.
_HORIZON: Final = 400
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Daily:
    """Once on each of some days of the week (0 is Monday)."""

    at: time
    days: frozenset[int] = EVERY_DAY

    def is_on(self, day: datetime) -> bool:
        """Whether it runs on the day."""
        return day.weekday() in self.days

    def __str__(self) -> str:
        return f"{_days(self.days)} at {_clock(self.at)}"


@dataclass(frozen=True, slots=True)
class Continuous:
    """Again and again between two times; an end before the begin is on the next day."""

    every: timedelta
    after: time = time(0, 0)
    until: time = time(23, 59)
    days: frozenset[int] = EVERY_DAY

    def __str__(self) -> str:
        minutes = int(self.every.total_seconds() // 60)
        count, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
        how = f"every {unit}" if count == 1 else f"every {count} {unit}s"
        return f"{_days(self.days)}, {how} from {_clock(self.after)} to {_clock(self.until)}"


@dataclass(frozen=True, slots=True)
class OnDate:
    """On one date of every month that has it; 0 is the last day."""

    at: time
    date: int

    def is_on(self, day: datetime) -> bool:
        """Whether it runs on the day."""
        return day.day == (self.date or monthrange(day.year, day.month)[1])

    def __str__(self) -> str:
        which = f"day {self.date}" if self.date else "the last day"
        return f"On {which} of the month at {_clock(self.at)}"


@dataclass(frozen=True, slots=True)
class OnWeekday:
    """On the first to fourth of a weekday in the month; 0 is the last."""

    at: time
    number: int
    weekday: int

    def is_on(self, day: datetime) -> bool:
        """Whether it runs on the day."""
        if day.weekday() != self.weekday:
            return False
        if self.number:
            return (day.day - 1) // _WEEK + 1 == self.number
        return day.day + _WEEK > monthrange(day.year, day.month)[1]

    def __str__(self) -> str:
        which = f"{_ORDINALS[self.number]} {DAYS[self.weekday]}"
        return f"On the {which} of the month at {_clock(self.at)}"


@dataclass(frozen=True, slots=True)
class Cron:
    """By a cron expression."""

    expression: str

    def __str__(self) -> str:
        return f"Cron {self.expression}"


Schedule = Daily | Continuous | OnDate | OnWeekday | Cron


def next_run(schedule: Schedule, zone: tzinfo, moment: datetime) -> datetime | None:
    """Return the first time after the moment, in UTC; None when there is none."""
    return next(runs_after(schedule, zone, moment), None)


def next_runs(schedule: Schedule, zone: tzinfo, moment: datetime, count: int) -> list[datetime]:
    """Return the next times after the moment, in UTC."""
    return list(islice(runs_after(schedule, zone, moment), count))


def runs_after(schedule: Schedule, zone: tzinfo, moment: datetime) -> Iterator[datetime]:
    """Yield the times after the moment, in UTC and in order."""
    moment = moment.astimezone(UTC)
    if isinstance(schedule, Cron):
        yield from runs_by_cron(schedule.expression, zone, moment)
        return
    last = moment
    for run in _by_day(schedule, zone, moment):
        if run > last:
            last = run
            yield run


def _by_day(
    schedule: Daily | Continuous | OnDate | OnWeekday, zone: tzinfo, moment: datetime
) -> Iterator[datetime]:
    # From the day before: its last times may be after midnight.
    midnight = wall_of(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    day, quiet = midnight - timedelta(days=1), 0
    while quiet < _HORIZON:
        quiet += 1
        if isinstance(schedule, Continuous):
            if day.weekday() in schedule.days:
                quiet = 0
                yield from _within(schedule, day, zone, moment)
        elif schedule.is_on(day):
            quiet = 0
            yield moment_of(datetime.combine(day, schedule.at), zone)
        day += timedelta(days=1)


def _within(
    schedule: Continuous, day: datetime, zone: tzinfo, moment: datetime
) -> Iterator[datetime]:
    begin = moment_of(datetime.combine(day, schedule.after), zone)
    last_day = day if schedule.until > schedule.after else day + timedelta(days=1)
    end = moment_of(datetime.combine(last_day, schedule.until), zone)
    run = begin
    if moment > begin:
        run += schedule.every * ((moment - begin) // schedule.every)
    while run <= end:
        yield run
        run += schedule.every


def _clock(at: time) -> str:
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")


def _days(days: frozenset[int]) -> str:
    if days == EVERY_DAY:
        return "Every day"
    if days == _WORKING_DAYS:
        return "Monday to Friday"
    return ", ".join(DAYS[number] for number in sorted(days))
