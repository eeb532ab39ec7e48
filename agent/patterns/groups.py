"""The groups of a pattern and their numbers, found before the pattern is read.

A reference may come before its group, and unnamed groups are numbered before named ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agent.patterns.syntax import InvalidPattern

# What the opening of a group may be called: a name, a number, and which group it takes back.
OPENING: Final = re.compile(r"\(\?(?:<(?![=!])|')(\w+)?(?:-(\w+))?[>']")
_SWITCH: Final = re.compile(r"\(\?([imnsx]*)(?:-([imnsx]*))?([:)])")
_COMMENT: Final = re.compile(r"\(\?#[^)]*\)?")
LARGEST_NUMBER: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Groups:
    """The places of groups by number and by name; those in order of their numbers."""

    numbers: dict[int, int]
    names: dict[str, int]

    def place(self, name: str) -> int | None:
        """Return the place of the group of this name or number, None when there is none."""
        if name.isascii() and name.isdecimal():
            return self.numbers.get(number_of(name))
        return self.names.get(name)


def number_of(digits: str) -> int:
    """Read a group's number. Raises InvalidPattern when no group may have it."""
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(LARGEST_NUMBER)) or int(significant) > LARGEST_NUMBER:
        raise InvalidPattern("a number of a group is too large")
    return int(significant)


def find_groups(text: str) -> Groups:
    """Find the groups outside escapes, sets and comments. Raises InvalidPattern."""
    search = _Search(text)
    search.run()
    numbers = search.numbers | set(range(1, search.unnamed + 1))
    following = search.unnamed + 1
    numbered: dict[str, int] = {}
    for name in search.names:
        while following in numbers:
            following += 1
        numbers.add(following)
        numbered[name] = following
    places = {number: place for place, number in enumerate(sorted(numbers))}
    return Groups(places, {name: places[number] for name, number in numbered.items()})


class _Search:
    def __init__(self, text: str) -> None:
        self.text = text
        self.unnamed = 0
        self.numbers = {0}
        self.names: dict[str, None] = {}
        # Whether only named groups count, for each bracket that is open.
        self.only_named = [False]

    def run(self) -> None:
        text, position = self.text, 0
        while position < len(text):
            char = text[position]
            if char == "\\":
                position += 2
            elif char == "[":
                position = _set_end(text, position)
            elif comment := _COMMENT.match(text, position):
                position = comment.end()
            else:
                if char == "(":
                    self.only_named.append(self.only_named[-1])
                    self.open(position)
                elif char == ")" and len(self.only_named) > 1:
                    self.only_named.pop()
                position += 1

    def open(self, position: int) -> None:
        text = self.text
        if opening := OPENING.match(text, position):
            name = opening.group(1) or ""
            if name and name[0].isdecimal():
                self.numbers.add(_explicit(name))
            elif name:
                self.names.setdefault(name)
        elif switch := _SWITCH.match(text, position):
            _switch(switch, self.only_named)
        elif not text.startswith("?", position + 1) and not _tests(text, position):
            self.unnamed += not self.only_named[-1]


def _explicit(name: str) -> int:
    if not (name.isascii() and name.isdecimal()) or name[0] == "0":
        raise InvalidPattern(f"'{name}' is no name of a group")
    return number_of(name)


def _tests(text: str, position: int) -> bool:
    """Tell whether the bracket holds the condition of `(?(...)yes|no)`."""
    return text.endswith("(?", 0, position)


def _switch(switch: re.Match[str], only_named: list[bool]) -> None:
    value = only_named[-1]
    value = "n" in switch.group(1) or (value and "n" not in (switch.group(2) or ""))
    if switch.group(3) == ")":
        # It holds to the end of the enclosing group; its own bracket closes at once.
        only_named[-2] = value
    only_named[-1] = value


def _set_end(text: str, position: int) -> int:
    """Find the end of a set; one of characters to leave out may be inside it."""
    position += 1
    position += text.startswith("^", position)
    first = True
    while position < len(text):
        char = text[position]
        if char == "]" and not first:
            return position + 1
        if char == "\\":
            position += 1
        elif char == "-" and text.startswith("[", position + 1) and not first:
            position = _set_end(text, position + 1)
            continue
        first = False
        position += 1
    return position
