"""Compile the parts of a pattern into steps for the matcher."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from agent.patterns.characters import Accepts
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

MAX_STEPS = 5000


class Operation(IntEnum):
    """What a step does; the rest of its fields is in the comment."""

    CHAR = 0  # character
    ACCEPT = 1  # set
    SPLIT = 2  # step to try first, step to try next
    JUMP = 3  # step
    SAVE = 4  # slot
    ASSERT = 5  # kind
    LOOK = 6  # program, negated
    ATOMIC = 7  # program
    MATCH = 8


@dataclass(frozen=True, slots=True)
class Program:
    """Steps, and whether they read the text backward."""

    steps: tuple[Step, ...]
    backward: bool


Argument: TypeAlias = int | str | Accepts | Program | bool | None
Step: TypeAlias = tuple[Operation, Argument, Argument]


class Compiler:
    """Builds one program; the size is shared with the programs inside it."""

    def __init__(self, size: list[int], *, backward: bool) -> None:
        self.size = size
        self.backward = backward
        self.steps: list[Step] = []

    def compile(self, node: Node) -> Program:
        """Compile the parts. Raises InvalidPattern when it would become too large."""
        self._add(node)
        self._emit(Operation.MATCH)
        return Program(tuple(self.steps), self.backward)

    def _emit(self, operation: Operation, first: Argument = None, second: Argument = None) -> int:
        self.size[0] += 1
        if self.size[0] > MAX_STEPS:
            raise InvalidPattern("the pattern is too large")
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
            case Sequence(parts):
                for part in reversed(parts) if self.backward else parts:
                    self._add(part)
            case Choice(options):
                self._add_choice(options)
            case Repeat(part, minimum, maximum, lazy):
                self._add_repeat(part, minimum, maximum, lazy=lazy)
            case Group(part, number):
                # Read backward, the end of the group is met first.
                self._emit(Operation.SAVE, 2 * number + self.backward)
                self._add(part)
                self._emit(Operation.SAVE, 2 * number + (not self.backward))
            case Look(part, behind, negated):
                inner = Compiler(self.size, backward=behind).compile(part)
                self._emit(Operation.LOOK, inner, negated)
            case Atomic(part):
                inner = Compiler(self.size, backward=self.backward).compile(part)
                self._emit(Operation.ATOMIC, inner)

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
            self._add(part)
            self._emit(Operation.JUMP, split)
            self._set_split(split, lazy=lazy)
            return
        splits: list[int] = []
        for _ in range(maximum - minimum):
            splits.append(self._emit(Operation.SPLIT))
            self._add(part)
        for split in splits:
            self._set_split(split, lazy=lazy)

    def _set_split(self, split: int, *, lazy: bool) -> None:
        inside, after = split + 1, len(self.steps)
        order = (after, inside) if lazy else (inside, after)
        self.steps[split] = (Operation.SPLIT, *order)
