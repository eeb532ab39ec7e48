"""Which number of a date is what: by how many there are, their digits, and what stands by them."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from agent.language.culture import Culture

# Year, month and day.
Found: TypeAlias = tuple[int, int, int]
_SHORT_YEAR: Final = 2
_LAST_SHORT_YEAR: Final = 29
_CENTURIES: Final = (2000, 1900)
_WHOLE: Final = 3
_NOON: Final = 12
_LAST_HOUR: Final = 23
_TICKS: Final = 10_000_000


@dataclass(slots=True)
class Day:
    """The numbers of a day in order; `shape` has N for a short one, Y for a year, M for a name."""

    shape: str = ""
    numbers: list[int] = field(default_factory=list)
    year: int = 0
    month: int = 0
    weekday: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether day, month and year have been told."""
        return len(self.shape) == _WHOLE

    @property
    def may_end(self) -> bool:
        """Whether the parts so far tell a day."""
        return self.shape in _BY_SHAPE

    def add_number(self, digits: str) -> None:
        """Take the next number; one of more than two digits is a year."""
        if len(digits) > _SHORT_YEAR:
            self.shape += "Y"
            self.year = int(digits)
        else:
            self.shape += "N"
            self.numbers.append(int(digits))

    def add_month(self, number: int) -> None:
        """Take the name of a month."""
        self.shape += "M"
        self.month = number


def day_of(day: Day, this_year: int, culture: Culture) -> Found | None:
    """Return year, month and day; None where the numbers tell no day."""
    if day.shape == "NM" and culture.month_before_year:
        return this_year, day.month, day.numbers[0]
    read = _BY_SHAPE.get(day.shape)
    return None if read is None else read(day, this_year)


def _two_short(day: Day) -> Found:
    """Tell the day from the year: the first number is the day if it can be one."""
    first, second = day.numbers
    if 1 <= first <= calendar.monthrange(_long(second), day.month)[1]:
        return _long(second), day.month, first
    return _long(first), day.month, second


def _long(year: int) -> int:
    return year + _CENTURIES[year > _LAST_SHORT_YEAR]


def _named(day: Day, _: int) -> Found:
    return day.year, day.month, day.numbers[0] if day.numbers else 1


def _numbered(day: Day, _: int) -> Found:
    return day.year, day.numbers[0], day.numbers[1] if len(day.numbers) > 1 else 1


_BY_SHAPE: Final[dict[str, Callable[[Day, int], Found]]] = {
    "NN": lambda day, this_year: (this_year, day.numbers[0], day.numbers[1]),
    "NNN": lambda day, _: (_long(day.numbers[2]), day.numbers[0], day.numbers[1]),
    "MN": lambda day, this_year: (this_year, day.month, day.numbers[0]),
    "NM": lambda day, _: (_long(day.numbers[0]), day.month, 1),
    **dict.fromkeys(("NNY", "NYN", "YNN", "NY", "YN"), _numbered),
    **dict.fromkeys(("MY", "YM", "MNY", "MYN", "NMY", "YMN", "YNM"), _named),
    **dict.fromkeys(("MNN", "NMN", "NNM"), lambda day, _: _two_short(day)),
}


def ticks_of(fraction: str) -> int:
    """Read the digits after the second one by one, as the origin does, which shows in the last."""
    place, second = 1.0, 0.0
    for digit in fraction:
        place *= 0.1
        second += int(digit) * place
    return round(second * _TICKS)


def hour_of_day(hour: int, half: str) -> int | None:
    """Shift an hour by the half of the day; that of the afternoon may be told twice."""
    if half == "AM":
        return None if hour > _NOON else hour % _NOON
    if half == "PM":
        return None if hour > _LAST_HOUR else hour + _NOON if hour < _NOON else hour
    return hour
