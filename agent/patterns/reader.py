"""Read the text of a pattern into its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from agent.patterns import characters
from agent.patterns.escapes import read_class, read_escape
from agent.patterns.scanner import Scanner
from agent.patterns.syntax import (
    Assertion,
    Atomic,
    CharacterSet,
    Choice,
    Group,
    InvalidPattern,
    Literal,
    Look,
    Node,
    Repeat,
    Sequence,
)

MAX_DEPTH = 50
MAX_REPEAT = 1000
_OPTIONS = re.compile(r"\(\?([imsnx]*)(?:-([imsnx]*))?([:)])")
_NAMED = re.compile(r"\(\?(?:<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)'|P<([A-Za-z_]\w*)>)")
_COUNT = re.compile(r"\{([0-9]{1,6})(?:(,)([0-9]{1,6})?)?\}")
_LOOKS = {"(?=": (False, False), "(?!": (False, True), "(?<=": (True, False), "(?<!": (True, True)}


@dataclass(frozen=True, slots=True)
class Options:
    """What `(?imsnx)` switches on."""

    ignore_case: bool = False
    multiline: bool = False
    dot_all: bool = False
    explicit: bool = False
    spaced: bool = False


_OPTION_FIELDS = {
    "i": "ignore_case",
    "m": "multiline",
    "s": "dot_all",
    "n": "explicit",
    "x": "spaced",
}


class Reader:
    """Reads one pattern; groups are numbered left to right, unnamed ones before named ones."""

    def __init__(self, text: str) -> None:
        self.scanner = Scanner(text)
        self.options = Options()
        self.depth = 0
        self.unnamed = sum(1 for _ in _unnamed_groups(text))
        self.next_unnamed = 1
        self.names: dict[str, int] = {}

    def read(self) -> Node:
        """Read all of it. Raises InvalidPattern."""
        node = self._choice()
        if not self.scanner.at_end:
            raise InvalidPattern("too many ')'")
        return node

    @property
    def group_count(self) -> int:
        return self.next_unnamed - 1 + len(self.names)

    def _choice(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise InvalidPattern("groups are nested too deeply")
        options = [self._sequence()]
        while self.scanner.take("|"):
            options.append(self._sequence())
        self.depth -= 1
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while True:
            if self.options.spaced:
                self.scanner.skip_spaces_and_comments()
            if self.scanner.at_end or self.scanner.peek() in "|)":
                return Sequence(tuple(parts))
            atom = self._atom()
            if atom is not None:
                parts.append(self._quantified(atom))

    def _atom(self) -> Node | None:
        scanner = self.scanner
        char = scanner.peek()
        if char == "(":
            return self._group()
        scanner.position += 1
        if char == "[":
            return self._set(read_class(scanner))
        if char == ".":
            return CharacterSet(
                characters.is_any if self.options.dot_all else characters.is_not_newline
            )
        if char in "^$":
            return Assertion(f"m{char}" if self.options.multiline else char)
        if char in "*+?" or (char == "{" and _COUNT.match(scanner.text, scanner.position - 1)):
            raise InvalidPattern(f"nothing to repeat before '{char}'")
        if char == "\\":
            found = read_escape(scanner)
            if isinstance(found, Assertion):
                return found
            return self._literal(found) if isinstance(found, str) else self._set(found)
        return self._literal(char)

    def _literal(self, char: str) -> Node:
        if self.options.ignore_case and char.lower() != char.upper():
            return CharacterSet(characters.ignoring_case(characters.single(char)))
        return Literal(char)

    def _set(self, accepts: characters.Accepts) -> Node:
        if self.options.ignore_case:
            accepts = characters.ignoring_case(accepts)
        return CharacterSet(accepts)

    def _quantified(self, atom: Node) -> Node:
        while True:
            if self.options.spaced:
                self.scanner.skip_spaces_and_comments()
            bounds = self._bounds()
            if bounds is None:
                return atom
            minimum, maximum = bounds
            if minimum > MAX_REPEAT or (maximum or 0) > MAX_REPEAT:
                raise InvalidPattern(f"a count may be at most {MAX_REPEAT}")
            if maximum is not None and maximum < minimum:
                raise InvalidPattern("the counts are in the wrong order")
            atom = Repeat(atom, minimum, maximum, lazy=self.scanner.take("?"))
            if not self.scanner.at_end and self.scanner.peek() in "*+?":
                raise InvalidPattern("a quantifier follows a quantifier")

    def _bounds(self) -> tuple[int, int | None] | None:
        scanner = self.scanner
        for char, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if scanner.take(char):
                return bounds
        match = _COUNT.match(scanner.text, scanner.position)
        if match is None:
            return None
        scanner.position = match.end()
        minimum = int(match.group(1))
        if match.group(2) is None:
            return minimum, minimum
        return minimum, int(match.group(3)) if match.group(3) else None

    def _group(self) -> Node | None:
        scanner = self.scanner
        for opening, (behind, negated) in _LOOKS.items():
            if scanner.take(opening):
                return Look(self._enclosed(), behind=behind, negated=negated)
        if scanner.take("(?>"):
            return Atomic(self._enclosed())
        if scanner.take("(?#"):
            end = scanner.text.find(")", scanner.position)
            if end < 0:
                raise InvalidPattern("a comment is not closed")
            scanner.position = end + 1
            return None
        named = _NAMED.match(scanner.text, scanner.position)
        if named is not None:
            scanner.position = named.end()
            name = next(group for group in named.groups() if group is not None)
            number = self.names.setdefault(name, self.unnamed + len(self.names) + 1)
            return Group(self._enclosed(), number)
        switch = _OPTIONS.match(scanner.text, scanner.position)
        if switch is not None:
            return self._switched(switch)
        if scanner.text.startswith("(?", scanner.position):
            raise InvalidPattern("this kind of group is not supported")
        scanner.take("(")
        if self.options.explicit:
            return self._enclosed()
        number = self.next_unnamed
        self.next_unnamed += 1
        return Group(self._enclosed(), number)

    def _switched(self, switch: re.Match[str]) -> Node | None:
        self.scanner.position = switch.end()
        before = self.options
        changes = {_OPTION_FIELDS[letter]: True for letter in switch.group(1)}
        changes |= {_OPTION_FIELDS[letter]: False for letter in switch.group(2) or ""}
        self.options = replace(before, **changes)
        if switch.group(3) == ")":
            # It holds to the end of the enclosing group, which restores the options.
            return None
        node = self._enclosed()
        self.options = before
        return node

    def _enclosed(self) -> Node:
        before = self.options
        node = self._choice()
        self.options = before
        if not self.scanner.take(")"):
            raise InvalidPattern("a ')' is missing")
        return node


def _unnamed_groups(text: str) -> list[int]:
    """Find the opening brackets of groups without a name, outside escapes and sets."""
    found: list[int] = []
    position, in_set = 0, False
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char == "[":
            in_set = True
        elif char == "]":
            in_set = False
        elif char == "(" and not in_set and not text.startswith("?", position + 1):
            found.append(position)
        position += 1
    return found
