"""Filters about the present and about moments relative to a given one."""

from __future__ import annotations

import math
from datetime import UTC, timedelta

from agent.language.environment import Call, Filter
from agent.language.filters.date_formats import Kind, Moment, format_moment
from agent.language.filters.date_parsing import parse_moment
from agent.language.limits import FilterError
from agent.language.numbers import parse_double

_ROUND_TRIP = "O"
_TICKS_OF_HOUR = 36_000_000_000
_TICKS_OF_DAY = 24 * _TICKS_OF_HOUR


def _now_date(call: Call) -> str | None:
    now = call.environment.now()
    return _present(call, Moment(now.replace(tzinfo=None), now.utcoffset(), Kind.LOCAL))


def _now_date_utc(call: Call) -> str | None:
    now = call.environment.now().astimezone(UTC)
    return _present(call, Moment(now.replace(tzinfo=None), timedelta(0), Kind.UTC))


def _present(call: Call, moment: Moment) -> str | None:
    if call.argument is not None:
        return None
    pattern = call.options[0] if call.options else _ROUND_TRIP
    shown = format_moment(moment, pattern, call.environment.culture)
    if shown is None:
        raise FilterError(f"'{call.options[0]}' is not a format of a date.")
    return shown


def _add(call: Call, ticks: int) -> str | None:
    # No commas here.
    amount = None if "," in call.options[0] else parse_double(call.options[0])
    moment = parse_moment(call.text, call.environment.now(), call.environment.culture)
    if amount is None or moment is None or not math.isfinite(amount):
        return None
    try:
        later = moment.plus(int(amount * ticks))
        return format_moment(later, _ROUND_TRIP, call.environment.culture)
    except OverflowError:
        return None


def _add_hours(call: Call) -> str | None:
    return _add(call, _TICKS_OF_HOUR)


def _add_days(call: Call) -> str | None:
    return _add(call, _TICKS_OF_DAY)


FILTERS = {
    "nowdate": Filter(_now_date, most=1, takes_missing=True, tells_time=True),
    "nowdateutc": Filter(_now_date_utc, most=1, takes_missing=True, tells_time=True),
    # A text that names no day is one of today.
    "addhours": Filter(_add_hours, least=1, most=1, tells_time=True),
    "adddays": Filter(_add_days, least=1, most=1, tells_time=True),
}
