"""When a freeze holds: once, or again and again by the clock of a time zone; pure.

The first window is the one that was given; the others begin and end at the same wall times.
A window that begins at an hour the clock leaves out begins when the clock has jumped; one that
ends in an hour that comes twice ends with the second.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

LAST: Final = "L"
_MOST_YEARS: Final = 200
_LAST_YEAR: Final = 9900
# Wall time and UTC are less than a day apart.
_MARGIN: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How a window comes again, every `unit` days, weeks, months or years.

    `days_of_week` are for Weekly, Monday is 0; none means the day of the first window. Monthly
    takes `date_of_month` (a number, or L for the last day), or the `day_number`-th (or L) of the
    weekday `day_of_week`; a month that has no such day is left out. `end_after` counts all
    windows, the first one too.
    """

    type: str
    unit: int = 1
    days_of_week: tuple[int, ...] = ()
    date_of_month: str = ""
    day_number: str = ""
    day_of_week: int = 0
    end_on: datetime | None = None
    end_after: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """The first window, and how it comes again. `zone` is a name such as Europe/Vienna."""

    start: datetime
    end: datetime
    zone: str = "UTC"
    recurrence: Recurrence | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """One time of a freeze; the end is no part of it."""

    start: datetime
    end: datetime


def windows(schedule: Schedule, *, after: datetime) -> Iterator[Window]:
    """Yield the windows that end after a moment, in order; endless ones without an end."""
    zone = ZoneInfo(schedule.zone)
    first = schedule.start.astimezone(zone).replace(tzinfo=None)
    length = schedule.end.astimezone(zone).replace(tzinfo=None) - first
    earliest = after.astimezone(UTC).replace(tzinfo=None) - _MARGIN - length
    recurrence = schedule.recurrence
    for number, day in enumerate(_days(first.date(), recurrence), start=1):
        if recurrence and recurrence.end_after and number > recurrence.end_after:
            return
        start = datetime.combine(day, first.time())
        if recurrence and recurrence.end_on is None and start < earliest:
            continue
        window = (
            Window(schedule.start.astimezone(UTC), schedule.end.astimezone(UTC))
            if number == 1
            else Window(_start_at(start, zone), _end_at(start + length, zone))
        )
        if number > 1 and recurrence and recurrence.end_on and window.start > recurrence.end_on:
            return
        if window.end > after:
            yield window


def window_at(schedule: Schedule, moment: datetime) -> Window | None:
    """Return the window that holds at a moment; of several, the one that ends last."""
    found = None
    for window in windows(schedule, after=moment):
        if window.start > moment:
            break
        if found is None or window.end > found.end:
            found = window
    return found


def next_window(schedule: Schedule, moment: datetime) -> Window | None:
    """Return the first window that begins after a moment."""
    coming = (window for window in windows(schedule, after=moment) if window.start > moment)
    return next(coming, None)


def _days(first: date, recurrence: Recurrence | None) -> Iterator[date]:
    yield first
    if recurrence is None:
        return
    last_year = min(first.year + _MOST_YEARS, _LAST_YEAR)
    candidates = {
        "Daily": _daily,
        "Weekly": _weekly,
        "Monthly": _monthly,
        "Annually": _annually,
    }[recurrence.type](first, recurrence)
    for year, day in candidates:
        if year > last_year:
            return
        if day is not None and day > first:
            yield day


_Candidates = Iterator[tuple[int, date | None]]


def _daily(first: date, recurrence: Recurrence) -> _Candidates:
    day = first
    while True:
        day += timedelta(days=recurrence.unit)
        yield day.year, day


def _weekly(first: date, recurrence: Recurrence) -> _Candidates:
    days = sorted(set(recurrence.days_of_week)) or [first.weekday()]
    monday = first - timedelta(days=first.weekday())
    while True:
        for day in days:
            found = monday + timedelta(days=day)
            yield found.year, found
        monday += timedelta(weeks=recurrence.unit)


def _monthly(first: date, recurrence: Recurrence) -> _Candidates:
    months = first.year * 12 + first.month - 1
    while True:
        year, month = divmod(months, 12)
        yield year, _day_of_month(year, month + 1, first, recurrence)
        months += recurrence.unit


def _day_of_month(year: int, month: int, first: date, recurrence: Recurrence) -> date | None:
    weekday, length = calendar.monthrange(year, month)
    if not recurrence.day_number:
        wanted = recurrence.date_of_month or str(first.day)
        day = length if wanted == LAST else int(wanted)
        return date(year, month, day) if day <= length else None
    day = 1 + (recurrence.day_of_week - weekday) % 7
    if recurrence.day_number == LAST:
        return date(year, month, day + (length - day) // 7 * 7)
    day += 7 * (int(recurrence.day_number) - 1)
    return date(year, month, day) if day <= length else None


def _annually(first: date, recurrence: Recurrence) -> _Candidates:
    year = first.year
    while True:
        year += recurrence.unit
        exists = first.day <= calendar.monthrange(year, first.month)[1]
        yield year, date(year, first.month, first.day) if exists else None


def _start_at(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _end_at(wall: datetime, zone: ZoneInfo) -> datetime:
    # In a gap the earlier reading is the later moment, in a repeated hour the second one is.
    readings = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return max(readings)
