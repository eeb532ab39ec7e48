"""Write numbers by custom patterns such as `#,##0.00` or `0.0 %`, as .NET does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from agent.language.culture import Culture

_GROUP: Final = 3
_LONGEST_EXPONENT: Final = 10
_POSITIVE, _NEGATIVE, _ZERO = range(3)


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


@dataclass(slots=True)
class _Section:
    """One section of a pattern and the places it has for digits."""

    text: str
    places: int = 0
    point: int = -1
    first_zero: int = -1
    last_zero: int = 0
    scale: int = 0
    grouped: bool = False
    has_exponent: bool = False


def format_custom(value: Decimal, pattern: str, culture: Culture) -> str | None:
    """Write the number; None when the pattern is a single letter that is no format."""
    if not pattern or (len(pattern) == 1 and pattern.isascii() and pattern.isalpha()):
        return None
    sections = _sections(pattern)
    digits = _Digits.of(value)
    wanted = _ZERO if not digits.text else _NEGATIVE if value < 0 else _POSITIVE
    while True:
        number = _chosen(sections, wanted)
        section = _read(sections[number])
        scaled = digits
        if digits.text:
            moved = _Digits(digits.text, digits.scale + section.scale)
            places = section.places
            if not section.has_exponent:
                places += moved.scale - section.point
            scaled = moved.rounded(places)
        if scaled.text or wanted == _ZERO or _chosen(sections, _ZERO) == number:
            break
        # What rounds to zero is written as zero is.
        digits, wanted = scaled, _ZERO
    sign = "-" if value < 0 and number == _POSITIVE and scaled.text else ""
    return sign + _write(section, scaled, culture)


def _pieces(text: str) -> Iterator[str]:
    """Yield the pattern's signs, with what is quoted or escaped as one piece."""
    at = 0
    while at < len(text):
        start, char = at, text[at]
        at += 1
        if char in "'\"":
            end = text.find(char, at)
            at = len(text) if end < 0 else end + 1
        elif char == "\\":
            at = min(at + 1, len(text))
        elif char in "eE":
            at = _exponent_end(text, at)
        yield text[start:at]


def _exponent_end(text: str, at: int) -> int:
    """Find the end of the zeros after the letter; there may be a sign before them."""
    zeros = at + (text[at : at + 1] in ("+", "-"))
    end = zeros
    while text.startswith("0", end):
        end += 1
    return end if end > zeros else at


def _sections(pattern: str) -> list[str]:
    sections = [""]
    for piece in _pieces(pattern):
        if piece == ";":
            sections.append("")
        else:
            sections[-1] += piece
    return sections


def _chosen(sections: list[str], wanted: int) -> int:
    """Give the section for a sign, the first one where there is none or it is empty."""
    return wanted if wanted < len(sections) and sections[wanted] else _POSITIVE


def _read(text: str) -> _Section:
    section = _Section(text)
    comma_at, commas = -1, 0
    for piece in _pieces(text):
        match piece:
            case "#" | "0":
                if piece == "0":
                    section.first_zero = (
                        section.places if section.first_zero < 0 else section.first_zero
                    )
                    section.last_zero = section.places + 1
                section.places += 1
            case ".":
                section.point = section.places if section.point < 0 else section.point
            case "," if section.places and section.point < 0:
                if comma_at == section.places:
                    commas += 1
                else:
                    section.grouped = section.grouped or comma_at >= 0
                    comma_at, commas = section.places, 1
            case "%" | "‰":
                section.scale += 2 if piece == "%" else 3
            case _:
                section.has_exponent = section.has_exponent or _is_exponent(piece)
    if section.point < 0:
        section.point = section.places
    if comma_at == section.point:
        section.scale -= _GROUP * commas
    else:
        section.grouped = section.grouped or comma_at >= 0
    return section


def _is_exponent(piece: str) -> bool:
    return piece[0] in "eE" and len(piece) > 1


def _write(section: _Section, digits: _Digits, culture: Culture) -> str:
    writer = _Writer(section, digits, culture)
    for piece in _pieces(section.text):
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

    def __init__(self, section: _Section, digits: _Digits, culture: Culture) -> None:
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
        if self.has_exponent and _is_exponent(piece):
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
            if self.section.grouped and self.left > 1 and (self.left - 1) % _GROUP == 0:
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
