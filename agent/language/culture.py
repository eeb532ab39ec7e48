"""How a language and its country write numbers and dates; the invariant one is everybody's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_ROUND_TRIP: Final = "yyyy-MM-ddTHH:mm:ss.fffffffK"
_BY_STANDARD: Final = {
    "o": _ROUND_TRIP,
    "O": _ROUND_TRIP,
    "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ss'Z'",
}


# Told apart by which they are: what was written in one is not remembered for another.
@dataclass(frozen=True, slots=True, eq=False)
class Culture:
    """Signs, names and patterns. `{}` in a pattern of a number stands for its digits.

    `patterns` are those of dates by their letters. `maps_dotted_i` says whether the dotless and
    the dotted I have counterparts in the other case.
    """

    name: str = ""
    decimal_point: str = "."
    thousands: str = ","
    currency: str = "¤{}"
    negative_currency: str = "(¤{})"
    percent: str = "{} %"
    # How many digits `F`, `N` and `P` show after the point.
    decimal_places: int = 2
    days: tuple[str, ...] = _DAYS
    months: tuple[str, ...] = _MONTHS
    halves: tuple[str, str] = ("AM", "PM")
    era: str = "A.D."
    date_separator: str = "/"
    time_separator: str = ":"
    maps_dotted_i: bool = False
    # Whether a number before the name of a month is a day rather than a year.
    month_before_year: bool = False
    patterns: Mapping[str, str] = field(default_factory=lambda: _patterns("MM/dd/yyyy"))

    def digits(self, text: str) -> str:
        """Write a number of digits, points and commas with the signs of the culture."""
        return text.translate({ord("."): self.decimal_point, ord(","): self.thousands})

    def read(self, text: str) -> str:
        """Give the text of a number as the invariant culture writes it."""
        if (self.decimal_point, self.thousands) == (".", ","):
            return text
        return text.translate({ord(self.thousands): ",", ord(self.decimal_point): "."})


def _patterns(
    day: str,
    *,
    long_day: str = "dddd, dd MMMM yyyy",
    time: str = "HH:mm",
    long_time: str = "HH:mm:ss",
    month_day: str = "MMMM dd",
    year_month: str = "yyyy MMMM",
) -> Mapping[str, str]:
    return MappingProxyType(
        {
            **_BY_STANDARD,
            "d": day,
            "D": long_day,
            "t": time,
            "T": long_time,
            "f": f"{long_day} {time}",
            "F": f"{long_day} {long_time}",
            "g": f"{day} {time}",
            "G": f"{day} {long_time}",
            "U": f"{long_day} {long_time}",
            "m": month_day,
            "M": month_day,
            "y": year_month,
            "Y": year_month,
        }
    )


INVARIANT: Final = Culture()
AMERICAN: Final = replace(
    INVARIANT,
    name="en-US",
    currency="${}",
    negative_currency="-${}",
    percent="{}%",
    decimal_places=3,
    era="AD",
    maps_dotted_i=True,
    month_before_year=True,
    patterns=_patterns(
        "M/d/yyyy",
        long_day="dddd, MMMM d, yyyy",
        time="h:mm tt",
        long_time="h:mm:ss tt",
        month_day="MMMM d",
        year_month="MMMM yyyy",
    ),
)
