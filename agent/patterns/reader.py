"""Read the text of a pattern into its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from agent.patterns import characters
from agent.patterns.escapes import read_class, read_escape
from agent.patterns.groups import OPENING, find_groups, number_of
from agent.patterns.scanner import Scanner
from agent.patterns.syntax import (
    Assertion,
    Atomic,
    CharacterSet,
    Choice,
    Condition,
    Group,
    InvalidPattern,
    Literal,
    Look,
    Node,
    Reference,
    Repeat,
    Sequence,
)

MAX_DEPTH = 50
MAX_REPEAT = 1000
_OPTIONS = re.compile(r"\(\?(?!\))([imnsx]*)(?:-([imnsx]*))?([:)])")
_COUNT = re.compile(r"\{([0-9]+)(?:(,)([0-9]+)?)?\}")
_TESTED = re.compile(r"\(\?\((\w+)\)")
_MOST_BRANCHES = 2
# What `\k` is followed by, which may also be left out.
_NAMED_REFERENCE = re.compile(r"\\k?(?:<(\w+)>|'(\w+)')")
_NUMBERED_REFERENCE = re.compile(r"\\([1-9][0-9]*)")
_ONE_DIGIT = 9
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
    """Reads one pattern; `remembers` tells whether parts of it depend on what groups hold."""

    def __init__(self, text: str) -> None:
        self.scanner = Scanner(text)
        self.options = Options()
        self.depth = 0
        self.groups = find_groups(text)
        self.next_unnamed = 1
        self.remembers = False

    def read(self) -> Node:
        """Read all of it. Raises InvalidPattern."""
        node = self._choice()
        if not self.scanner.at_end:
            raise InvalidPattern("too many ')'")
        return node

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
            self.scanner.skip_comments(spaced=self.options.spaced)
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
            return CharacterSet(read_class(scanner, ignore_case=self.options.ignore_case))
        if char == ".":
            return CharacterSet(
                characters.is_any if self.options.dot_all else characters.is_not_newline
            )
        if char in "^$":
            return Assertion(f"m{char}" if self.options.multiline else char)
        if char in "*+?" or (char == "{" and _COUNT.match(scanner.text, scanner.position - 1)):
            raise InvalidPattern(f"nothing to repeat before '{char}'")
        if char == "\\":
            reference = self._reference()
            if reference is not None:
                return reference
            found = read_escape(scanner, ignore_case=self.options.ignore_case)
            if isinstance(found, Assertion):
                return found
            return self._literal(found) if isinstance(found, str) else CharacterSet(found)
        return self._literal(char)

    def _reference(self) -> Node | None:
        """Read a reference to a group, of which there must be one."""
        scanner = self.scanner
        start = scanner.position - 1
        named = _NAMED_REFERENCE.match(scanner.text, start)
        numbered = None if named else _NUMBERED_REFERENCE.match(scanner.text, start)
        match = named or numbered
        if match is None:
            return None
        name = next(group for group in match.groups() if group is not None)
        place = self.groups.place(name)
        if place is None:
            if numbered is not None and number_of(name) > _ONE_DIGIT:
                # It is the number of a character.
                return None
            raise InvalidPattern(f"a reference to a group that is not there: {name}")
        scanner.position = match.end()
        self.remembers = True
        return Reference(place, self.options.ignore_case)

    def _literal(self, char: str) -> Node:
        if self.options.ignore_case and char.lower() != char.upper():
            return CharacterSet(characters.single_ignoring_case(char))
        return Literal(char)

    def _quantified(self, atom: Node) -> Node:
        while True:
            self.scanner.skip_comments(spaced=self.options.spaced)
            bounds = self._bounds()
            if bounds is None:
                return atom
            minimum, maximum = bounds
            if minimum > MAX_REPEAT or (maximum or 0) > MAX_REPEAT:
                raise InvalidPattern(f"a count may be at most {MAX_REPEAT}")
            if maximum is not None and maximum < minimum:
                raise InvalidPattern("the counts are in the wrong order")
            self.scanner.skip_comments(spaced=self.options.spaced)
            atom = Repeat(atom, minimum, maximum, lazy=self.scanner.take("?"))
            self.scanner.skip_comments(spaced=self.options.spaced)
            following = self.scanner.text[self.scanner.position : self.scanner.position + 1]
            if following in ("*", "+", "?") or _COUNT.match(
                self.scanner.text, self.scanner.position
            ):
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
        minimum = number_of(match.group(1))
        if match.group(2) is None:
            return minimum, minimum
        return minimum, number_of(match.group(3)) if match.group(3) else None

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
        if scanner.text.startswith("(?(", scanner.position):
            return self._condition()
        named = OPENING.match(scanner.text, scanner.position)
        if named is not None:
            scanner.position = named.end()
            return self._named(named)
        switch = _OPTIONS.match(scanner.text, scanner.position)
        if switch is not None:
            return self._switched(switch)
        if scanner.text.startswith("(?", scanner.position):
            raise InvalidPattern("this kind of group is not supported")
        scanner.take("(")
        if self.options.explicit:
            return self._enclosed()
        place = self.groups.numbers[self.next_unnamed]
        self.next_unnamed += 1
        return Group(self._enclosed(), place)

    def _named(self, opening: re.Match[str]) -> Node:
        name, taken = opening.groups()
        place, takes_back = (
            None if each is None else self.groups.place(each) for each in opening.groups()
        )
        if (name is None and taken is None) or (taken is not None and takes_back is None):
            raise InvalidPattern("a group refers to one that is not there")
        self.remembers = self.remembers or takes_back is not None
        return Group(self._enclosed(), place, takes_back)

    def _condition(self) -> Node:
        """Read `(?(test)yes|no)`, where the test is a group or a part of its own."""
        scanner = self.scanner
        self.remembers = True
        tested = _TESTED.match(scanner.text, scanner.position)
        place = None if tested is None else self.groups.place(tested.group(1))
        test: int | Node
        if tested is not None and place is not None:
            scanner.position = tested.end()
            test = place
        elif tested is not None and tested.group(1)[0].isdecimal():
            raise InvalidPattern("a condition on a group that is not there")
        else:
            scanner.position += len("(?")
            test = self._test()
        before = self.options
        found = self._choice()
        self.options = before
        if not scanner.take(")"):
            raise InvalidPattern("a ')' is missing")
        branches = found.options if isinstance(found, Choice) else (found,)
        if len(branches) > _MOST_BRANCHES:
            raise InvalidPattern("a condition has more than two branches")
        return Condition(test, branches[0], branches[1] if len(branches) > 1 else Sequence(()))

    def _test(self) -> Node:
        if self.scanner.text.startswith("(?", self.scanner.position):
            return self._group() or Sequence(())
        self.scanner.take("(")
        return self._enclosed()

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
