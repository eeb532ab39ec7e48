"""Compile the parts of a pattern into steps for the matcher."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from agent.patterns.captures import Again
from agent.patterns.characters import Accepts
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
    may_be_empty,
)

MAX_STEPS = 5000


class Operation(IntEnum):
    """What a step does; the rest of its fields is in the comment."""

    CHAR = 0  # character
    ACCEPT = 1  # set
    SPLIT = 2  # step to try first, step to try next
    JUMP = 3  # step
    SAVE = 4  # slot
    MATCH = 5
    REPEAT = 6  # slot of the place where the round began, step after an empty one
    BRANCH = 7  # place of a group or program, step when it has no text or does not match
    ASSERT = 8  # kind
    LOOK = 9  # program, negated
    ATOMIC = 10  # program
    CLOSE = 11  # place of a group, slot of where it began
    TAKE_BACK = 12  # places of the group that loses its last text and of that which gains, slot
    REFER = 13  # place of a group, how it comes again


@dataclass(frozen=True, slots=True)
class Program:
    """Steps, and whether they read the text backward."""

    steps: tuple[Step, ...]
    backward: bool


Argument: TypeAlias = int | str | Accepts | Program | Again | tuple[int, int | None] | None
Step: TypeAlias = tuple[Operation, Argument, Argument]


@dataclass(slots=True)
class Room:
    """What the programs of a pattern share: how many steps there are, and how many slots."""

    slots: int
    steps: int = 0

    def step(self) -> None:
        """Make room for one step. Raises InvalidPattern when there are too many."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise InvalidPattern("the pattern is too large")

    def slot(self) -> int:
        """Return a slot of its own."""
        self.slots += 1
        return self.slots - 1


class Compiler:
    """Builds one program."""

    def __init__(self, room: Room, *, backward: bool) -> None:
        self.room = room
        self.backward = backward
        self.steps: list[Step] = []

    def compile(self, node: Node) -> Program:
        """Compile the parts. Raises InvalidPattern when it would become too large."""
        self._add(node)
        self._emit(Operation.MATCH)
        return Program(tuple(self.steps), self.backward)

    def _emit(self, operation: Operation, first: Argument = None, second: Argument = None) -> int:
        self.room.step()
        self.steps.append((operation, first, second))
        return len(self.steps) - 1

    def _add(self, node: Node) -> None:
        match node:
            case Literal(char):
                self._emit(Operation.CHAR, char)
            case CharacterSet(accepts):
                self._emit(Operation.ACCEPT, accepts)
            case Assertion(kind):
                self._emit(Operation.ASSERT, kind)
            case Reference(place, ignore_case):
                self._emit(Operation.REFER, place, Again(ignore_case, self.backward))
            case Group(part, place, takes_back):
                self._add_group(part, place, takes_back)
            case Look(part, behind, negated):
                inner = Compiler(self.room, backward=behind).compile(part)
                self._emit(Operation.LOOK, inner, negated)
            case Atomic(part):
                inner = Compiler(self.room, backward=self.backward).compile(part)
                self._emit(Operation.ATOMIC, inner)
            case _:
                self._add_parts(node)

    def _add_parts(self, node: Node) -> None:
        match node:
            case Sequence(parts):
                for part in reversed(parts) if self.backward else parts:
                    self._add(part)
            case Choice(options):
                self._add_choice(options)
            case Repeat(part, minimum, maximum, lazy):
                self._add_repeat(part, minimum, maximum, lazy=lazy)
            case Condition(test, yes, no):
                self._add_condition(test, yes, no)

    def _add_group(self, part: Node, place: int | None, takes_back: int | None) -> None:
        begun = self.room.slot()
        self._emit(Operation.SAVE, begun)
        self._add(part)
        if takes_back is not None:
            self._emit(Operation.TAKE_BACK, (takes_back, place), begun)
        else:
            self._emit(Operation.CLOSE, place, begun)

    def _add_condition(self, test: int | Node, yes: Node, no: Node) -> None:
        asked = test if isinstance(test, int) else self._ahead(test)
        branch = self._emit(Operation.BRANCH, asked)
        self._add(yes)
        jump = self._emit(Operation.JUMP)
        self.steps[branch] = (Operation.BRANCH, asked, len(self.steps))
        self._add(no)
        self.steps[jump] = (Operation.JUMP, len(self.steps), None)

    def _ahead(self, part: Node) -> Program:
        return Compiler(self.room, backward=False).compile(part)

    def _add_choice(self, options: tuple[Node, ...]) -> None:
        jumps: list[int] = []
        for option in options[:-1]:
            split = self._emit(Operation.SPLIT)
            self._add(option)
            jumps.append(self._emit(Operation.JUMP))
            self.steps[split] = (Operation.SPLIT, split + 1, len(self.steps))
        self._add(options[-1])
        for jump in jumps:
            self.steps[jump] = (Operation.JUMP, len(self.steps), None)

    def _add_repeat(self, part: Node, minimum: int, maximum: int | None, *, lazy: bool) -> None:
        for _ in range(minimum):
            self._add(part)
        if maximum is None:
            split = self._emit(Operation.SPLIT)
            self._add_round(part, split)
            self._set_split(split, lazy=lazy)
            return
        splits: list[int] = []
        for _ in range(maximum - minimum):
            splits.append(self._emit(Operation.SPLIT))
            self._add(part)
        for split in splits:
            self._set_split(split, lazy=lazy)

    def _add_round(self, part: Node, split: int) -> None:
        if not may_be_empty(part):
            self._add(part)
            self._emit(Operation.JUMP, split)
            return
        begun = self.room.slot()
        self._emit(Operation.SAVE, begun)
        self._add(part)
        # A round of nothing is the last.
        self._emit(Operation.REPEAT, begun, len(self.steps) + 2)
        self._emit(Operation.JUMP, split)

    def _set_split(self, split: int, *, lazy: bool) -> None:
        inside, after = split + 1, len(self.steps)
        order = (after, inside) if lazy else (inside, after)
        self.steps[split] = (Operation.SPLIT, *order)
