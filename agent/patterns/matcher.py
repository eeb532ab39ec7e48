"""Search texts with a compiled pattern, trying no step twice at one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from agent.patterns.captures import (
    NO_TEXT,
    SLOTS_OF_GROUP,
    Again,
    Slots,
    Span,
    close,
    span_of,
    start_slots,
    take_back,
)
from agent.patterns.characters import Accepts, is_word_at_border
from agent.patterns.groups import Groups
from agent.patterns.program import Compiler, Operation, Program, Room
from agent.patterns.reader import Reader
from agent.patterns.replacement import expand
from agent.patterns.syntax import InvalidPattern

MAX_PATTERN_LENGTH = 4000
MAX_WORK = 1_000_000
# How many characters without a choice count as one unit of work.
_STRAIGHT_RUN = 8
MAX_RESULT = 32_000_000
_CHAR = Operation.CHAR


class PatternTooExpensive(RuntimeError):
    """The search was given up because it took too many steps."""


@dataclass(frozen=True, slots=True)
class PatternMatch:
    """Where a pattern matched; spans holds start and end of each group, -1 when it took no part."""

    text: str
    spans: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        return self.spans[0][0]

    @property
    def end(self) -> int:
        return self.spans[0][1]

    def group(self, number: int) -> str:
        """Give the text of a group, empty when it took no part."""
        start, end = self.spans[number]
        return self.text[start:end] if start >= 0 else ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern."""

    program: Program
    groups: Groups
    slot_count: int
    # Whether what a part matches depends on what groups hold, so that no place is done with.
    remembers: bool

    def search(self, text: str, start: int = 0) -> PatternMatch | None:
        """Find the first match. Raises PatternTooExpensive."""
        return _Search(self, text).find(start)

    def find_all(self, text: str) -> Iterator[PatternMatch]:
        """Find all matches, left to right, none overlapping. Raises PatternTooExpensive."""
        search = _Search(self, text)
        match = search.find(0)
        while match is not None:
            yield match
            match = search.find(match.end, after_nothing=match.end == match.start)

    def replace(self, text: str, replacement: str, *, longest: int = MAX_RESULT) -> str:
        """Replace all matches; `$1`, `${name}`, `$&` and the like stand for parts of each.

        Raises PatternTooExpensive, also when the result would become longer than `longest`.
        """
        pieces: list[str] = []
        position, added = 0, 0
        for match in self.find_all(text):
            pieces.append(text[position : match.start])
            filled = expand(replacement, text, match.spans, self.groups)
            added += len(filled)
            if added > longest:
                raise PatternTooExpensive(f"The result is longer than {longest} characters.")
            pieces.append(filled)
            position = match.end
        pieces.append(text[position:])
        return "".join(pieces)


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """Compile a pattern. Raises InvalidPattern."""
    if len(text) > MAX_PATTERN_LENGTH:
        raise InvalidPattern(f"a pattern may have at most {MAX_PATTERN_LENGTH} characters")
    try:
        reader = Reader(text)
        node = reader.read()
        room = Room(SLOTS_OF_GROUP * len(reader.groups.numbers))
        program = Compiler(room, backward=False).compile(node)
    except RecursionError as error:
        raise InvalidPattern("sets are nested too deeply") from error
    return Pattern(program, reader.groups, room.slots, reader.remembers)


class _Search:
    """The work of one pattern on one text, and the bound on it."""

    def __init__(self, pattern: Pattern, text: str) -> None:
        self.pattern = pattern
        self.text = text
        self.work = 0
        self.begun = 0

    def find(self, start: int, *, after_nothing: bool = False) -> PatternMatch | None:
        """Find the first match from a place on, or from the next one after a match of nothing."""
        program, text = self.pattern.program, self.text
        operation, argument, _ = program.steps[0]
        first_char = argument if operation is _CHAR else None
        # What failed from an earlier start fails from a later one: the places tried are shared.
        tried: set[int] = set()
        count = len(self.pattern.groups.numbers)
        slots = start_slots(self.pattern.slot_count)
        self.begun = start
        position = start + after_nothing
        while position <= len(text):
            if first_char is not None:
                position = text.find(cast(str, first_char), position)
                if position < 0:
                    return None
            found = self.run(program, position, slots, tried)
            if found is not None:
                end, groups = found
                spans = (span_of(groups, place) for place in range(1, count))
                return PatternMatch(text, ((position, end), *spans))
            position += 1
        return None

    def run(  # noqa: C901, PLR0912 - one loop: a call for each step would double the time
        self, program: Program, position: int, slots: Slots, tried: set[int]
    ) -> tuple[int, Slots] | None:
        """Match from one position; give the end and the groups."""
        text, length, steps = self.text, len(self.text), program.steps
        backward, width, remembers = program.backward, len(steps), self.pattern.remembers
        pending = [(0, position, slots)]
        while pending:
            index, position, slots = pending.pop()
            origin = position
            while True:
                operation, first, second = steps[index]
                if operation <= Operation.ACCEPT:
                    at = position - 1 if backward else position
                    if not 0 <= at < length:
                        break
                    found = text[at]
                    if found != first if operation is _CHAR else not cast(Accepts, first)(found):
                        break
                    position = at if backward else at + 1
                    index += 1
                elif operation is Operation.SPLIT:
                    if not remembers:
                        place = position * width + index
                        if place in tried:
                            break
                        tried.add(place)
                    self.spend()
                    pending.append((cast(int, second), position, slots))
                    index = cast(int, first)
                elif operation is Operation.JUMP:
                    index = cast(int, first)
                elif operation is Operation.SAVE:
                    slot = cast(int, first)
                    slots = (*slots[:slot], position, *slots[slot + 1 :])
                    index += 1
                elif operation is Operation.MATCH:
                    return position, slots
                elif operation is Operation.REPEAT:
                    index = cast(int, second) if slots[cast(int, first)] == position else index + 1
                elif operation is Operation.BRANCH:
                    index = index + 1 if self.holds(first, position, slots) else cast(int, second)
                else:
                    outcome = self.condition(operation, first, second, position, slots)
                    if outcome is None:
                        break
                    position, slots = outcome
                    index += 1
            self.spend(1 + abs(position - origin) // _STRAIGHT_RUN)
        return None

    def condition(
        self, operation: Operation, first: object, second: object, position: int, slots: Slots
    ) -> tuple[int, Slots] | None:
        """Decide the steps that do not read a character themselves."""
        if operation is Operation.ASSERT:
            holds = (
                position == self.begun
                if first == "G"
                else _ASSERTIONS[cast(str, first)](self.text, position)
            )
            return (position, slots) if holds else None
        if operation is Operation.CLOSE:
            return position, close(slots, cast(int, first), slots[cast(int, second)], position)
        if operation is Operation.TAKE_BACK:
            taken, gaining = cast(tuple[int, int | None], first)
            left = take_back(slots, taken, gaining, (slots[cast(int, second)], position))
            return None if left is None else (position, left)
        if operation is Operation.REFER:
            found_end = self.repeated(
                span_of(slots, cast(int, first)), position, cast(Again, second)
            )
            return None if found_end is None else (found_end, slots)
        inner = cast(Program, first)
        self.spend()
        found = self.run(inner, position, slots, set())
        if operation is Operation.ATOMIC:
            return found
        if (found is None) == bool(second):
            return position, (slots if found is None else found[1])
        return None

    def holds(self, test: object, position: int, slots: Slots) -> bool:
        """Whether the group has a text, or the part matches here."""
        if isinstance(test, int):
            return span_of(slots, test)[0] != NO_TEXT
        self.spend()
        return self.run(cast(Program, test), position, slots, set()) is not None

    def repeated(self, span: Span, position: int, how: Again) -> int | None:
        """Step over the text of a group if it stands here once more."""
        start, end = span
        if start == NO_TEXT:
            return None
        length = end - start
        at = position - length if how.backward else position
        if at < 0:
            return None
        self.spend(1 + length // _STRAIGHT_RUN)
        wanted, found = self.text[start:end], self.text[at : at + length]
        if found != wanted and not (how.ignore_case and found.lower() == wanted.lower()):
            return None
        return at if how.backward else at + length

    def spend(self, work: int = 1) -> None:
        self.work += work
        if self.work > MAX_WORK:
            raise PatternTooExpensive("The pattern takes too long on this text.")


def _at_last_line_end(text: str, position: int) -> bool:
    left = len(text) - position
    return left == 0 or (left == 1 and text[position] == "\n")


def _at_word_border(text: str, position: int) -> bool:
    before = position > 0 and is_word_at_border(text[position - 1])
    after = position < len(text) and is_word_at_border(text[position])
    return before != after


_ASSERTIONS: dict[str, Callable[[str, int], bool]] = {
    "^": lambda _, position: position == 0,
    "A": lambda _, position: position == 0,
    "$": _at_last_line_end,
    "Z": _at_last_line_end,
    "z": lambda text, position: position == len(text),
    "m^": lambda text, position: position == 0 or text[position - 1] == "\n",
    "m$": lambda text, position: position == len(text) or text[position] == "\n",
    "b": _at_word_border,
    "B": lambda text, position: not _at_word_border(text, position),
}
