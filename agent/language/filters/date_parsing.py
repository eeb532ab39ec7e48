"""Read dates as .NET does: whatever tells a day, a time of it, or both, in nearly any order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from agent.language.characters import SPACES
from agent.language.culture import INVARIANT, Culture
from agent.language.filters.date_formats import Kind, Moment
from agent.language.filters.date_shapes import Day, day_of, hour_of_day, ticks_of

_MAX_LENGTH: Final = 60
_BLANKS: Final = re.compile(r"[ \t-\r]*")
_ISO: Final = re.compile(
    r"([0-9]{3,8})[ /.-]([0-9]{1,2})[ /.-]([0-9]{1,2})[Tt] *"
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(.*)",
    re.DOTALL,
)
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]+))?)?(?![0-9:])")
_HOUR: Final = re.compile(r"([0-9]{1,2})(?= *(?:AM|PM))", re.IGNORECASE)
_HALF: Final = re.compile(r"(AM|PM)(?![A-Za-z])", re.IGNORECASE)
_ZONE: Final = re.compile(
    r"(?:(Z|GMT)|([+-])([0-9]{1,2})(?::([0-9]{1,2})|([0-9]{2}))?)(?![0-9A-Za-z:])", re.IGNORECASE
)
_NUMBER: Final = re.compile(r"[0-9]{1,8}(?![0-9:])")
_WORD: Final = re.compile(r"[A-Za-z]+")
_SEPARATOR: Final = re.compile(r"[/.,-]")
# Nothing but more of the day may stand after these.
_WITHIN_DAY: Final = ("/", "-")
_SHORT: Final = 3
_MINUTES: Final = 60
_FURTHEST: Final = timedelta(hours=14)
_TICKS_OF_MICROSECOND: Final = 10


@dataclass(slots=True)
class _Parts:
    """What has been read so far; times as hour, minute, second and the digits after it."""

    day: Day = field(default_factory=Day)
    time: tuple[int, int, int, str] | None = None
    half: str = ""
    zone: timedelta | None = None
    is_universal: bool = False
    # Whether the time came last, and whether the day was told before it.
    after_time: bool = False
    day_is_closed: bool = False

    def take_time(self, hour: str, minute: str, second: str, fraction: str) -> None:
        self.time = (int(hour), int(minute), int(second), fraction)
        self.after_time, self.day_is_closed = True, bool(self.day.shape)


def parse_moment(text: str, now: datetime, culture: Culture = INVARIANT) -> Moment | None:
    """Read a date, a time of today, or both; None when the text is neither."""
    trimmed = text.rstrip(f"\0{SPACES}").lstrip(SPACES)
    if not trimmed or len(trimmed) > _MAX_LENGTH:
        return None
    parts = _read_iso(trimmed) or _read(trimmed)
    return None if parts is None else _moment(parts, now, culture)


def _read_iso(text: str) -> _Parts | None:
    """Read a day with `T` and a time; nothing but a zone may follow."""
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    *day, hour, minute, second, fraction, rest = found.groups()
    parts = _Parts()
    for digits in day:
        parts.day.add_number(digits)
    parts.take_time(hour, minute, second or "0", fraction or "")
    zone = rest.strip(" ")
    if zone and not (_take_zone(parts, zone, 0) == len(zone) and zone.upper() != "GMT"):
        return None
    return parts


def _read(text: str) -> _Parts | None:
    parts, at, separator = _Parts(), 0, ""
    while at < len(text):
        blanks = _BLANKS.match(text, at)
        at = blanks.end() if blanks else at
        end = None
        if separator not in _WITHIN_DAY:
            end = _take_zone(parts, text, at) or _take_time(parts, text, at)
        if end is None and (found := _SEPARATOR.match(text, at)):
            # One at a time, and none before anything.
            if separator or not at:
                return None
            separator, at = found.group(), found.end()
            continue
        end = end or _take_day(parts, text, at)
        if end is None:
            return None
        separator, at = "", end
    return None if separator in _WITHIN_DAY else parts


def _take_zone(parts: _Parts, text: str, at: int) -> int | None:
    found = None if parts.zone is not None else _ZONE.match(text, at)
    if found is None or not (parts.after_time or parts.day.may_end):
        return None
    # After a month and its year, other signs belong to the day.
    is_short = not (parts.after_time or parts.day.is_whole)
    if is_short and (found.group(2) != "+" or not (parts.day.year or parts.time)):
        return None
    named, sign, hours, minutes, joined = found.groups()
    parts.is_universal = named is not None
    past = int(minutes or joined or 0)
    offset = timedelta(hours=int(hours or 0), minutes=past)
    if past >= _MINUTES or offset > _FURTHEST:
        return None
    parts.zone = -offset if sign == "-" else offset
    return found.end()


def _take_time(parts: _Parts, text: str, at: int) -> int | None:
    # After two parts of a day, a number is the third.
    may_begin = parts.time is None and (parts.day.is_whole or not parts.day.shape)
    if may_begin and (found := _TIME.match(text, at)):
        hour, minute, second, fraction = found.groups()
        parts.take_time(hour, minute, second or "0", fraction or "")
        return found.end()
    if (may_begin or (parts.time is None and parts.day.shape == "NN")) and (
        found := _HOUR.match(text, at)
    ):
        parts.take_time(found.group(), "0", "0", "")
        return found.end()
    if (
        not parts.half
        and (parts.after_time or parts.day.may_end)
        and (found := _HALF.match(text, at))
    ):
        parts.half = found.group().upper()
        return found.end()
    return None


def _take_day(parts: _Parts, text: str, at: int) -> int | None:
    if parts.day_is_closed:
        return None
    parts.after_time = False
    if found := _NUMBER.match(text, at):
        parts.day.add_number(found.group())
        return found.end()
    found = _WORD.match(text, at)
    if found is None:
        return None
    word = found.group().lower()
    for number, name in enumerate(INVARIANT.months, start=1):
        if word in (name.lower(), name[:_SHORT].lower()):
            parts.day.add_month(number)
            return found.end()
    for number, name in enumerate(INVARIANT.days):
        if word in (name.lower(), name[:_SHORT].lower()) and parts.day.weekday is None:
            parts.day.weekday = number
            return found.end()
    return None


def _moment(parts: _Parts, now: datetime, culture: Culture) -> Moment | None:
    hour, minute, second, fraction = parts.time or (0, 0, 0, "")
    shifted = hour_of_day(hour, parts.half)
    if shifted is None:
        return None
    try:
        if parts.day.shape:
            found = day_of(parts.day, now.year, culture)
        else:
            found = (now.year, now.month, now.day) if parts.time or parts.half else None
        if found is None:
            return None
        value = datetime(*found, shifted, minute, second)  # noqa: DTZ001 - the zone is kept beside
        if parts.day.weekday not in (None, value.weekday()):
            return None
        ticks = ticks_of(fraction)
        value += timedelta(microseconds=ticks // _TICKS_OF_MICROSECOND)
        # The same moment must be a date elsewhere too.
        _ = value - (parts.zone or timedelta(0))
    except (ValueError, OverflowError):
        return None
    kind = Kind.UNSPECIFIED if parts.zone is None else Kind.OFFSET
    if parts.is_universal:
        kind = Kind.UTC
    return Moment(value, parts.zone, kind, ticks % _TICKS_OF_MICROSECOND)
