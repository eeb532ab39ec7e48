"""Read dates in the spellings of the invariant culture."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from agent.language.culture import INVARIANT
from agent.language.filters.date_formats import Kind, Moment

_MAX_LENGTH = 60
_TIME = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?)?"
    r"(?: ?(?P<half>AM|PM|am|pm))?"
)
_ZONE = r"(?: ?(?P<zone>Z|z|GMT|[+-][0-9]{1,2}(?::?[0-9]{2})?))?"
_NAME = r"(?P<name>[A-Za-z]{3,9})"
_DAY_NAME = r"(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?"
_DATES = (
    r"(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})",
    r"(?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})[-/.](?P<year>[0-9]{4})",
    rf"{_DAY_NAME}(?P<day>[0-9]{{1,2}})[ -]{_NAME}[ -](?P<year>[0-9]{{4}})",
    rf"{_DAY_NAME}{_NAME} (?P<day>[0-9]{{1,2}}),? (?P<year>[0-9]{{4}})",
    rf"{_NAME} (?P<year>[0-9]{{4}})",
    rf"{_NAME} (?P<day>[0-9]{{1,2}})",
    rf"(?P<day>[0-9]{{1,2}})[ -]{_NAME}",
    r"(?P<month>[0-9]{1,2})\.(?P<day>[0-9]{1,2})",
)
_SPELLINGS = [
    *(re.compile(rf"{date}(?:(?:T| +){_TIME}{_ZONE})?") for date in _DATES),
    re.compile(rf"{_TIME}{_ZONE}"),
]
_HALF_DAY = 12
_NOON = 12
_MICROSECOND_DIGITS = 6


def parse_moment(text: str, now: datetime) -> Moment | None:
    """Read a date, a time of today, or both; None when the text is neither."""
    trimmed = text.strip()
    if len(trimmed) > _MAX_LENGTH:
        return None
    for spelling in _SPELLINGS:
        match = spelling.fullmatch(trimmed)
        if match is not None:
            return _moment(match.groupdict(), now)
    return None


def _moment(parts: dict[str, str | None], now: datetime) -> Moment | None:
    month = _month(parts, now)
    hour = _hour(parts)
    if month is None or hour is None:
        return None
    only_time = "day" not in parts and "name" not in parts
    fraction = (parts["fraction"] or "").ljust(_MICROSECOND_DIGITS, "0")[:_MICROSECOND_DIGITS]
    try:
        value = datetime(  # noqa: DTZ001 - the zone is kept beside the value
            int(parts.get("year") or now.year),
            month,
            int(parts.get("day") or (now.day if only_time else 1)),
            hour,
            int(parts["minute"] or 0),
            int(parts["second"] or 0),
            int(fraction),
        )
    except ValueError:
        return None
    return _with_zone(value, parts["zone"])


def _month(parts: dict[str, str | None], now: datetime) -> int | None:
    name = parts.get("name")
    if name is None:
        return int(parts.get("month") or now.month)
    for number, month in enumerate(INVARIANT.months, start=1):
        if name.lower() in (month.lower(), month[:3].lower()):
            return number
    return None


def _hour(parts: dict[str, str | None]) -> int | None:
    hour, half = int(parts["hour"] or 0), (parts["half"] or "").upper()
    if not half:
        return hour
    if not 1 <= hour <= _NOON:
        return None
    return hour % _HALF_DAY + (_HALF_DAY if half == "PM" else 0)


def _with_zone(value: datetime, zone: str | None) -> Moment:
    if zone is None:
        return Moment(value, None, Kind.UNSPECIFIED)
    if zone.upper() in ("Z", "GMT"):
        return Moment(value, timedelta(0), Kind.UTC)
    hours, _, minutes = zone[1:].partition(":")
    if len(hours) > len("00"):
        hours, minutes = hours[:-2], hours[-2:]
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return Moment(value, -offset if zone.startswith("-") else offset, Kind.OFFSET)
