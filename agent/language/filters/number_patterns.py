"""Take custom patterns of numbers apart: their sections, and the places for digits in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

GROUP: Final = 3
POSITIVE, NEGATIVE, ZERO = range(3)


@dataclass(slots=True)
class Section:
    """One section of a pattern and the places it has for digits."""

    text: str
    places: int = 0
    point: int = -1
    first_zero: int = -1
    last_zero: int = 0
    scale: int = 0
    grouped: bool = False
    has_exponent: bool = False


def pieces_of(text: str) -> Iterator[str]:
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


def sections_of(pattern: str) -> list[str]:
    sections = [""]
    for piece in pieces_of(pattern):
        if piece == ";":
            sections.append("")
        else:
            sections[-1] += piece
    return sections


def chosen_section(sections: list[str], wanted: int) -> int:
    """Give the section for a sign, the first one where there is none or it is empty."""
    return wanted if wanted < len(sections) and sections[wanted] else POSITIVE


def read_section(text: str) -> Section:
    section = Section(text)
    comma_at, commas = -1, 0
    for piece in pieces_of(text):
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
                section.has_exponent = section.has_exponent or is_exponent(piece)
    if section.point < 0:
        section.point = section.places
    if comma_at == section.point:
        section.scale -= GROUP * commas
    else:
        section.grouped = section.grouped or comma_at >= 0
    return section


def is_exponent(piece: str) -> bool:
    return piece[0] in "eE" and len(piece) > 1
