"""Cron expressions: five fields, six with seconds first, or seven with a year last.

A time of day in numbers is wall time (see walltime); with `*` in the minutes or hours the
expression means an interval and goes by elapsed time, whatever clocks do.
"""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final

from cronsim import CronSim, CronSimError

from deployments.projects.triggers.walltime import moment_of, wall_of

_SECONDS_FIRST, _WITH_YEAR = 6, 7
_LONGEST: Final = 200
_YEARS: Final = range(1970, 2200)
# A year field may leave out many matches of the rest.
_MOST_SKIPPED: Final = 100_000


class WrongCron(ValueError):
    """An expression that cannot be read; the message is a sentence."""


def runs_by_cron(expression: str, zone: tzinfo, moment: datetime) -> Iterator[datetime]:
    """Yield the moments after `moment`, in UTC and in order. Raises WrongCron."""
    fields, years = _split(expression)
    is_interval = "*" in fields[1][:1] or "*" in fields[2][:1]
    # Without a zone cronsim reckons in wall time; with one it steps through elapsed time.
    start = moment.astimezone(zone) if is_interval else wall_of(moment, zone)
    try:
        found = CronSim(" ".join(fields), start)
    except CronSimError as error:
        raise WrongCron(f"'{expression}' is no cron expression: {str(error).lower()}.") from error
    last, skipped = moment, 0
    for when in found:
        if years is not None and when.year not in years:
            skipped += 1
            if when.year > max(years) or skipped > _MOST_SKIPPED:
                return
            continue
        run = when if is_interval else moment_of(when, zone)
        if run > last:
            last = run.astimezone(moment.tzinfo)
            yield last


def require_cron(expression: str, moment: datetime) -> None:
    """Raise WrongCron unless the expression can be read and has a next time."""
    if moment.tzinfo is None or next(runs_by_cron(expression, moment.tzinfo, moment), None) is None:
        raise WrongCron(f"'{expression}' has no next time.")


def _split(expression: str) -> tuple[list[str], frozenset[int] | None]:
    """Return six fields and the years."""
    # Quartz writes `?` where a day is not asked for.
    fields = expression.replace("?", "*").split()
    if len(expression) > _LONGEST:
        raise WrongCron(f"A cron expression is at most {_LONGEST} characters long.")
    years = _years(fields.pop(), expression) if len(fields) == _WITH_YEAR else None
    if len(fields) == _SECONDS_FIRST - 1:
        fields.insert(0, "0")
    if len(fields) != _SECONDS_FIRST:
        raise WrongCron(f"'{expression}' has not five, six or seven fields.")
    return fields, years


def _years(text: str, expression: str) -> frozenset[int] | None:
    if text == "*":
        return None
    years: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (first.isascii() and first.isdigit() and (last or first).isdigit()):
            raise WrongCron(f"'{expression}' is no cron expression: bad year.")
        low, high = int(first[:5]), int((last or first)[:5])
        if low not in _YEARS or high not in _YEARS or high < low:
            raise WrongCron(f"'{expression}' is no cron expression: bad year.")
        years |= set(range(low, high + 1))
    return frozenset(years)
