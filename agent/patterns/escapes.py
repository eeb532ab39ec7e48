"""Escapes and character classes of a pattern."""

from __future__ import annotations

import re

from agent.patterns import characters
from agent.patterns.blocks import BLOCKS
from agent.patterns.characters import Accepts
from agent.patterns.scanner import Scanner
from agent.patterns.syntax import Assertion, InvalidPattern

_CONTROLS = {
    "t": "\t",
    "n": "\n",
    "r": "\r",
    "f": "\f",
    "v": "\v",
    "a": "\a",
    "e": "\x1b",
}
_SETS: dict[str, Accepts] = {
    "d": characters.is_digit,
    "w": characters.is_word,
    "s": characters.is_space,
    "D": characters.complement(characters.is_digit),
    "W": characters.complement(characters.is_word),
    "S": characters.complement(characters.is_space),
}
# Without regard to case these are one.
_CASES = ("Lu", "Ll", "Lt")
_ASSERTIONS = "AzZbBG"
_OCTAL = re.compile(r"[0-7]{1,3}")
_CONTROL = re.compile(r"c([@A-Za-z\[\\\]^_])")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")
_CATEGORY = re.compile(
    r"\{(?:(L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfson]?)|Is([A-Za-z0-9-]+))\}"
)


def read_escape(scanner: Scanner, *, ignore_case: bool = False) -> str | Accepts | Assertion:
    """Read what follows a backslash outside a class: a character, a set or a position."""
    if not scanner.at_end and scanner.peek() in _ASSERTIONS:
        return Assertion(scanner.next())
    found = _character_or_set(scanner, ignore_case=ignore_case)
    return found if isinstance(found, str) or not ignore_case else characters.ignoring_case(found)


def read_class(scanner: Scanner, *, ignore_case: bool = False) -> Accepts:
    """Read a class after its opening bracket."""
    negated = scanner.take("^")
    singles: set[str] = set()
    ranges: list[tuple[str, str]] = []
    sets: list[Accepts] = []
    removed: Accepts | None = None
    first = True
    while first or scanner.peek() != "]":
        first = False
        if scanner.take("-["):
            removed = read_class(scanner, ignore_case=ignore_case)
            if scanner.peek() != "]":
                raise InvalidPattern("a subtraction must come last in a class")
            break
        low = _member(scanner, ignore_case=ignore_case)
        if not isinstance(low, str):
            sets.append(low)
        elif _is_range(scanner):
            scanner.take("-")
            high = _member(scanner, ignore_case=ignore_case)
            if not isinstance(high, str) or high < low:
                raise InvalidPattern("a range in a class is in the wrong order")
            ranges.append((low, high))
        else:
            singles.add(low)
    scanner.next()
    accepts = characters.union(frozenset(singles), tuple(ranges), sets)
    if ignore_case:
        accepts = characters.ignoring_case(accepts)
    if negated:
        accepts = characters.complement(accepts)
    return characters.difference(accepts, removed) if removed is not None else accepts


def _is_range(scanner: Scanner) -> bool:
    follows = scanner.text[scanner.position : scanner.position + 2]
    return follows.startswith("-") and follows not in ("-]", "-[", "-")


def _member(scanner: Scanner, *, ignore_case: bool) -> str | Accepts:
    char = scanner.next()
    if char != "\\":
        return char
    if scanner.take("b"):
        return "\b"
    return _character_or_set(scanner, ignore_case=ignore_case)


def _character_or_set(scanner: Scanner, *, ignore_case: bool) -> str | Accepts:
    hexadecimal = _HEX.match(scanner.text, scanner.position)
    if hexadecimal is not None:
        scanner.position = hexadecimal.end()
        return chr(int(hexadecimal.group(1) or hexadecimal.group(2), 16))
    octal = _OCTAL.match(scanner.text, scanner.position)
    if octal is not None:
        scanner.position = octal.end()
        return chr(int(octal.group(), 8) & 0xFF)
    control = _CONTROL.match(scanner.text, scanner.position)
    if control is not None:
        scanner.position = control.end()
        return chr(ord(control.group(1).upper()) - ord("@"))
    char = scanner.next()
    if char in "pP":
        category = _CATEGORY.match(scanner.text, scanner.position)
        if category is None:
            raise InvalidPattern("an unknown category of characters")
        scanner.position = category.end()
        name, block = category.groups()
        if name is None and block not in BLOCKS:
            raise InvalidPattern(f"an unknown range of characters: Is{block}")
        if ignore_case and name in _CASES:
            accepts: Accepts = characters.is_cased
        else:
            accepts = characters.in_category(name) if name else characters.in_range(*BLOCKS[block])
        return characters.complement(accepts) if char == "P" else accepts
    if char in _SETS:
        return _SETS[char]
    if char in _CONTROLS:
        return _CONTROLS[char]
    if characters.is_word(char):
        raise InvalidPattern(f"the escape '\\{char}' is unknown")
    return char
