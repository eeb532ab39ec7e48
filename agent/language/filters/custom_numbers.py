"""Write numbers by custom patterns such as `#,##0.00` or `0.0 %`, as .NET does."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from agent.language.culture import Culture
from agent.language.filters.number_patterns import (
    GROUP,
    NEGATIVE,
    POSITIVE,
    ZERO,
    Section,
    chosen_section,
    is_exponent,
    pieces_of,
    read_section,
    sections_of,
)

_LONGEST_EXPONENT: Final = 10


@dataclass(frozen=True, slots=True)
class _Digits:
    """The digits of a number without zeros at either end; the point stands after `scale`."""

    text: str
    scale: int

    @classmethod
    def of(cls, value: Decimal) -> _Digits:
        """Take the digits of a number without its sign."""
        found = value.as_tuple()
        text = "".join(map(str, found.digits)).lstrip("0")
        kept = text.rstrip("0")
        return cls(kept, len(text) + int(found.exponent)) if kept else cls("", 0)

    def rounded(self, count: int) -> _Digits:
        """Keep so many digits, rounded half up; of none, zero is left."""
        if count >= len(self.text):
            return self
        if count < 0 or (count == 0 and self.text[0] < "5"):
            return _Digits("", 0)
        whole = int(self.text[:count] or "0") + (self.text[count] >= "5")
        text = str(whole)
        kept = text.rstrip("0")
        return _Digits(kept, self.scale + len(text) - count) if kept else _Digits("", 0)


def format_custom(
    value: Decimal, pattern: str, culture: Culture, *, signs_zero: bool = False
) -> str | None:
    """Write the number; None when the pattern is a single letter that is no format.

    With `signs_zero` a negative number that comes to zero keeps its sign before what is written.
    """
    if not pattern or (len(pattern) == 1 and pattern.isascii() and pattern.isalpha()):
        return None
    sections = sections_of(pattern)
    digits = _Digits.of(value)
    wanted = ZERO if not digits.text else NEGATIVE if value < 0 else POSITIVE
    while True:
        number = chosen_section(sections, wanted)
        section = read_section(sections[number])
        scaled = digits
        if digits.text:
            moved = _Digits(digits.text, digits.scale + section.scale)
            places = section.places
            if not section.has_exponent:
                places += moved.scale - section.point
            scaled = moved.rounded(places)
        if scaled.text or wanted == ZERO or chosen_section(sections, ZERO) == number:
            break
        # What rounds to zero is written as zero is.
        digits, wanted = scaled, ZERO
    written = _write(section, scaled, culture)
    is_negative = value.is_signed() and number == POSITIVE
    if is_negative and (scaled.text or (signs_zero and written)):
        return f"-{written}"
    return written


def _write(section: Section, digits: _Digits, culture: Culture) -> str:
    writer = _Writer(section, digits, culture)
    for piece in pieces_of(section.text):
        if piece in ("#", "0", "."):
            writer.put_those_before()
        if piece in ("#", "0"):
            writer.place()
        elif piece == ".":
            writer.point()
        elif piece != ",":
            writer.other(piece)
    return "".join(writer.out)


class _Writer:
    """Writes digits into their places; those that find none stand before the first."""

    def __init__(self, section: Section, digits: _Digits, culture: Culture) -> None:
        self.section = section
        self.digits = digits
        self.culture = culture
        self.out: list[str] = []
        self.shown = 0
        self.has_exponent = section.has_exponent
        self.point_written = False
        point = section.point
        self.least_whole = point - section.first_zero if 0 <= section.first_zero < point else 0
        self.least_fraction = max(section.last_zero - point, 0)
        # How many digits there are still to come before the point.
        self.left = point if section.has_exponent else max(digits.scale, point)
        # How many more than there are places for, or fewer.
        self.extra = 0 if section.has_exponent else digits.scale - point

    def put_those_before(self) -> None:
        while self.extra > 0:
            self._put(self._next() or "0")
            self.extra -= 1

    def place(self) -> None:
        if self.extra < 0:
            self.extra += 1
            digit = "0" if self.left <= self.least_whole else ""
        else:
            digit = self._next() or ("0" if self.left > -self.least_fraction else "")
        self._put(digit)

    def point(self) -> None:
        if self.left != 0 or self.point_written:
            return
        has_place = self.section.point < self.section.places
        if self.least_fraction or (has_place and self.shown < len(self.digits.text)):
            self.out.append(self.culture.decimal_point)
            self.point_written = True

    def other(self, piece: str) -> None:
        if self.has_exponent and is_exponent(piece):
            self.has_exponent = False
            value = self.digits.scale - self.section.point if self.digits.text else 0
            self.out.append(_exponent(piece, value))
        else:
            self.out.append(_literal(piece))

    def _next(self) -> str:
        digit = self.digits.text[self.shown : self.shown + 1]
        self.shown += 1
        return digit

    def _put(self, digit: str) -> None:
        if digit:
            self.out.append(digit)
            if self.section.grouped and self.left > 1 and (self.left - 1) % GROUP == 0:
                self.out.append(self.culture.thousands)
        self.left -= 1


def _exponent(piece: str, value: int) -> str:
    sign = "-" if value < 0 else "+" if piece[1] == "+" else ""
    width = min(piece.count("0"), _LONGEST_EXPONENT)
    return f"{piece[0]}{sign}{abs(value):0{width}d}"


def _literal(piece: str) -> str:
    if piece[0] in "'\"":
        return piece[1:].removesuffix(piece[0])
    return piece[1:] if piece[0] == "\\" else piece
