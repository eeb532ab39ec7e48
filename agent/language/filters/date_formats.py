"""Write dates by the format strings of .NET."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from agent.language.culture import INVARIANT, Culture

# The same in every culture.
_FIXED = "oOrRsu"
_PIECE = re.compile(
    r"y+|M+|d+|H+|h+|m+|s+|f+|F+|t+|z+|K|g+"
    r"|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\\.|%.|.",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# What is no format: a sign of the next one with nothing after it, seven digits are all there are.
_BROKEN = re.compile(r"%[%'\"\\]?|['\"\\]|[fF]{8,}")
_GENERAL = "G"
_FRACTION_DIGITS = 7
_LONG_NAME = 4
_SHORT_NAME = 3


class Kind(Enum):
    """How a moment knows its zone: not at all, or as the origin of the value says."""

    UNSPECIFIED = "unspecified"
    LOCAL = "local"
    UTC = "utc"
    OFFSET = "offset"


@dataclass(frozen=True, slots=True)
class Moment:
    """A date with time; the offset is that of its zone from universal time, None if unknown.

    `ticks` are the tenths of a microsecond that the value cannot hold.
    """

    value: datetime
    offset: timedelta | None
    kind: Kind
    ticks: int = 0

    def plus(self, ticks: int) -> Moment:
        """Give the moment so many tenths of a microsecond later. Raises OverflowError."""
        microseconds, left = divmod(self.ticks + ticks, 10)
        return replace(self, value=self.value + timedelta(microseconds=microseconds), ticks=left)

    def in_zone(self, offset: timedelta) -> Moment:
        """Give the same moment as the clocks of another zone show it, or the nearest there is."""
        try:
            value = self.value - (self.offset or timedelta(0)) + offset
        except OverflowError:
            value = self.value
        return replace(self, value=value, offset=offset)


def format_moment(moment: Moment, pattern: str, culture: Culture) -> str | None:
    """Write the moment; None when the pattern is no format. Local times carry no zone in `O`."""
    pattern = pattern or _GENERAL
    if len(pattern) == 1:
        standard = culture.patterns.get(pattern)
        if standard is None:
            return None
        if pattern in _FIXED:
            culture = INVARIANT
        if pattern == "U":
            moment = moment.in_zone(timedelta(0))
        pattern = standard
    pieces = _PIECE.findall(pattern)
    if not pieces or any(map(_BROKEN.fullmatch, pieces)):
        return None
    out: list[str] = []
    for found in pieces:
        piece = _piece(moment, found, culture)
        if not piece and found.lstrip("%").startswith("F") and out:
            # A fraction that is not shown takes its point with it.
            out[-1] = out[-1].removesuffix(".")
        out.append(piece)
    return "".join(out)


def _piece(moment: Moment, piece: str, culture: Culture) -> str:
    count = len(piece)
    match piece[0]:
        case "z" | "K":
            return _zone(moment, piece)
        case "'" | '"' if count > 1:
            return _ESCAPED.sub(r"\1", piece[1:-1])
        case "\\" if count > 1:
            return piece[1:]
        case "%" if count > 1:
            # The next sign alone.
            return _piece(moment, piece[1:], culture)
        case "/" | ":":
            return culture.date_separator if piece == "/" else culture.time_separator
        case "y" | "M" | "d" | "g":
            return _date(moment.value, piece, culture)
        case _:
            return _time(moment, piece, culture)


def _date(value: datetime, piece: str, culture: Culture) -> str:
    count = len(piece)
    match piece[0]:
        case "y":
            return _year(value.year, count)
        case "M":
            return _named(value.month, culture.months[value.month - 1], count)
        case "d":
            return _named(value.day, culture.days[value.weekday()], count)
        case _:
            return culture.era


def _time(moment: Moment, piece: str, culture: Culture) -> str:
    value, count = moment.value, len(piece)
    match piece[0]:
        case "H":
            return _padded(value.hour, count)
        case "h":
            return _padded(value.hour % 12 or 12, count)
        case "m":
            return _padded(value.minute, count)
        case "s":
            return _padded(value.second, count)
        case "t":
            half = culture.halves[value.hour // 12]
            return half if count > 1 else half[:1]
        case "f" | "F":
            digits = f"{value.microsecond:06d}{moment.ticks}"[: min(count, _FRACTION_DIGITS)]
            return digits if piece[0] == "f" else digits.rstrip("0")
        case _:
            return piece


def _year(year: int, count: int) -> str:
    if count <= 2:  # noqa: PLR2004 - `y` and `yy` show the year of the century
        return _padded(year % 100, count)
    return f"{year:0{count}d}"


def _named(number: int, name: str, count: int) -> str:
    if count >= _LONG_NAME:
        return name
    return name[:_SHORT_NAME] if count == _SHORT_NAME else _padded(number, count)


def _padded(number: int, count: int) -> str:
    return f"{number:02d}" if count > 1 else str(number)


def _zone(moment: Moment, piece: str) -> str:
    if piece == "K" and moment.kind in (Kind.UNSPECIFIED, Kind.LOCAL):
        return ""
    if piece == "K" and moment.kind is Kind.UTC:
        return "Z"
    minutes = int((moment.offset or timedelta(0)).total_seconds()) // 60
    sign, minutes = "-" if minutes < 0 else "+", abs(minutes)
    if piece == "z":
        return f"{sign}{minutes // 60}"
    if piece == "zz":
        return f"{sign}{minutes // 60:02d}"
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
