"""The parts a pattern is made of, as its reader hands them to the compiler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from agent.patterns.characters import Accepts


class InvalidPattern(ValueError):
    """The text is not a pattern that can be used."""


@dataclass(frozen=True, slots=True)
class Literal:
    """One exact character."""

    char: str


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """One character out of a set."""

    accepts: Accepts


@dataclass(frozen=True, slots=True)
class Assertion:
    """A condition on the position; kind is one of `^ $ A z Z b B G` or `m^ m$` for lines."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts one after another."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives, the first preferred."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times; no maximum is None."""

    part: Node
    minimum: int
    maximum: int | None
    lazy: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A part whose text is kept in a place; `takes_back` is that of a group that loses its last.

    Then what lies between both is kept, if there is a place for it at all.
    """

    part: Node
    place: int | None
    takes_back: int | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """The text of a group once more."""

    place: int
    ignore_case: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """One of two parts: whether a group has a text, or a part matches here, decides."""

    test: int | Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Look:
    """A part that must, or must not, match here without consuming."""

    part: Node
    behind: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class Atomic:
    """A part that is never tried a second way."""

    part: Node


Node: TypeAlias = (
    Literal
    | CharacterSet
    | Assertion
    | Sequence
    | Choice
    | Repeat
    | Group
    | Reference
    | Condition
    | Look
    | Atomic
)


def may_be_empty(node: Node) -> bool:
    """Whether the part may match without consuming."""
    match node:
        case Literal() | CharacterSet():
            return False
        case Sequence(parts):
            return all(map(may_be_empty, parts))
        case Choice(options):
            return any(map(may_be_empty, options))
        case Repeat(part, minimum, _, _):
            return minimum == 0 or may_be_empty(part)
        case Group(part, _, _) | Atomic(part):
            return may_be_empty(part)
        case _:
            return True
