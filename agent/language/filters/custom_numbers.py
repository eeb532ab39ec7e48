"""Write numbers by custom patterns such as `#,##0.00` or `0.0 %`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal

from agent.language.culture import Culture

_CONTEXT = Context(prec=400, rounding=ROUND_HALF_UP)
_PIECE = re.compile(r"'[^']*'?|\"[^\"]*\"?|\\.?|[eE][+-]?0+|.", re.DOTALL)
_GROUP = 3
_MAX_SECTIONS = 3
_POSITIVE, _NEGATIVE, _ZERO = range(3)


@dataclass(slots=True)
class Section:
    """One section of a pattern, taken apart: pieces, and what they say about the number."""

    pieces: list[str] = field(default_factory=list)
    whole_places: int = 0
    fraction_places: int = 0
    least_whole: int = 0
    least_fraction: int = 0
    thousands: int = 0
    grouped: bool = False
    scale: int = 0
    has_exponent: bool = False


def format_custom(value: Decimal, pattern: str, culture: Culture) -> str | None:
    """Write the number; None when the pattern is a single letter that is no format."""
    if not pattern or (len(pattern) == 1 and pattern.isalpha()):
        return None
    sections = _sections(pattern)
    chosen, signed = _choose(value, sections)
    section = _read(chosen)
    scaled = abs(value).scaleb(section.scale - 3 * section.thousands, context=_CONTEXT)
    exponent = 0
    if section.has_exponent and scaled != 0:
        exponent = scaled.adjusted() - max(section.whole_places, 1) + 1
        scaled = scaled.scaleb(-exponent, context=_CONTEXT)
    rounded = scaled.quantize(Decimal(1).scaleb(-section.fraction_places), context=_CONTEXT)
    if rounded == 0 and value != 0 and len(sections) >= _MAX_SECTIONS and sections[_ZERO]:
        section, signed = _read(sections[_ZERO]), False
    sign = "-" if value < 0 and signed and rounded != 0 else ""
    return sign + _write(section, rounded, exponent, culture)


def _sections(pattern: str) -> list[str]:
    sections = [""]
    for piece in _PIECE.findall(pattern):
        if piece == ";":
            sections.append("")
        else:
            sections[-1] += piece
    return sections[:_MAX_SECTIONS]


def _choose(value: Decimal, sections: list[str]) -> tuple[str, bool]:
    """Pick the section for the sign; only the first shows a minus of its own."""
    if value < 0 and len(sections) > 1 and sections[_NEGATIVE]:
        return sections[_NEGATIVE], False
    if value == 0 and len(sections) >= _MAX_SECTIONS and sections[_ZERO]:
        return sections[_ZERO], False
    return sections[_POSITIVE], True


def _read(text: str) -> Section:
    section = Section()
    in_fraction, commas = False, 0
    for piece in _PIECE.findall(text):
        if piece in ("0", "#"):
            if in_fraction:
                section.fraction_places += 1
                section.least_fraction = (
                    section.fraction_places if piece == "0" else section.least_fraction
                )
            else:
                section.grouped = section.grouped or commas > 0
                section.whole_places += 1
                section.least_whole += piece == "0" or section.least_whole > 0
            commas = 0
        elif piece == ",":
            commas += section.whole_places > 0 and not in_fraction
            continue
        elif piece == ".":
            if in_fraction:
                continue
            in_fraction = True
            section.thousands += commas
            commas = 0
        elif piece in ("%", "‰"):
            section.scale += 2 if piece == "%" else 3
        elif piece[0] in "eE" and len(piece) > 1:
            section.has_exponent = True
        section.pieces.append(piece)
    section.thousands += commas
    return section


def _write(section: Section, value: Decimal, exponent: int, culture: Culture) -> str:
    whole, _, fraction = f"{value:f}".partition(".")
    whole = (whole.lstrip("0") or "").rjust(section.least_whole, "0")
    kept = max(len(fraction.rstrip("0")), section.least_fraction)
    fraction = fraction[:kept]
    extra = len(whole) - section.whole_places
    out: list[str] = []
    digits_left, place, fraction_at, in_fraction = len(whole), 0, 0, False
    for piece in section.pieces:
        if piece in ("0", "#") and not in_fraction:
            place += 1
            count = extra + 1 if place == 1 and extra > 0 else int(place > -extra)
            for _ in range(count):
                out.append(whole[len(whole) - digits_left])
                digits_left -= 1
                if section.grouped and digits_left and digits_left % _GROUP == 0:
                    out.append(culture.thousands)
        elif piece in ("0", "#"):
            out.append(fraction[fraction_at : fraction_at + 1])
            fraction_at += 1
        elif piece == ".":
            in_fraction = True
            out.append(whole if section.whole_places == 0 else "")
            out.append(culture.decimal_point if fraction else "")
        else:
            out.append(_literal(piece, exponent))
    return "".join(out)


def _literal(piece: str, exponent: int) -> str:
    if piece[0] in "'\"" and len(piece) > 1:
        return piece[1:].removesuffix(piece[0])
    if piece[0] == "\\":
        return piece[1:]
    if piece[0] in "eE" and len(piece) > 1:
        sign = "-" if exponent < 0 else "+" if "+" in piece else ""
        return f"{piece[0]}{sign}{abs(exponent):0{piece.count('0')}d}"
    return piece
