"""Sets of characters: what `.`, `\\d`, `[a-f]` and the like accept."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import TypeAlias

Accepts: TypeAlias = Callable[[str], bool]

_WORD_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Nd", "Pc"})
_CASED = frozenset({"Lu", "Ll", "Lt"})
# They join what is before and after them.
_JOINERS = "\u200c\u200d"
_SPACE = frozenset(
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


def is_word(char: str) -> bool:
    """Whether the character is part of a word."""
    if char.isascii():
        return char.isalnum() or char == "_"
    return unicodedata.category(char) in _WORD_CATEGORIES


def is_word_at_border(char: str) -> bool:
    """Whether no word begins or ends between this character and one of a word."""
    return char in _JOINERS or is_word(char)


def is_digit(char: str) -> bool:
    """Whether the character is a decimal digit of any script."""
    return char.isdecimal()


def is_space(char: str) -> bool:
    """Whether the character is white space."""
    return char in _SPACE


def is_any(char: str) -> bool:
    """Accept every character."""
    return True


def is_not_newline(char: str) -> bool:
    """Accept every character but the line feed."""
    return char != "\n"


def in_category(name: str) -> Accepts:
    """Give the set of a general category such as `L` or `Lu`."""
    return lambda char: unicodedata.category(char).startswith(name)


def is_cased(char: str) -> bool:
    """Whether the character is a letter in upper, lower or title case."""
    return unicodedata.category(char) in _CASED


def in_range(first: int, last: int) -> Accepts:
    """Give the set of the characters with these codes and those between."""
    return lambda char: first <= ord(char) <= last


def complement(accepts: Accepts) -> Accepts:
    """Give the set of all other characters."""
    return lambda char: not accepts(char)


def union(
    singles: frozenset[str], ranges: tuple[tuple[str, str], ...], sets: list[Accepts]
) -> Accepts:
    """Give the set of what any part accepts; ranges include both ends."""

    def accepts(char: str) -> bool:
        return (
            char in singles
            or any(low <= char <= high for low, high in ranges)
            or any(member(char) for member in sets)
        )

    return accepts


def difference(accepts: Accepts, removed: Accepts) -> Accepts:
    """Give the set of what the first accepts and the second does not."""
    return lambda char: accepts(char) and not removed(char)


def ignoring_case(accepts: Accepts) -> Accepts:
    """Give the set that accepts a character whose lower case it holds in any case."""

    def accepts_lower(char: str) -> bool:
        lower = _lower(char)
        return accepts(lower) or accepts(_upper(lower)) or accepts(_title(lower))

    return accepts_lower


def single_ignoring_case(char: str) -> Accepts:
    """Give the set of one character in either case."""
    wanted = _lower(char)
    return lambda other: _lower(other) == wanted


def _lower(char: str) -> str:
    lowered = char.lower()
    return lowered if len(lowered) == 1 else char


def _upper(char: str) -> str:
    raised = char.upper()
    return raised if len(raised) == 1 else char


def _title(char: str) -> str:
    capital = char.title()
    return capital if len(capital) == 1 else char
