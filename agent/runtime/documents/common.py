"""What the formats share: errors with a place, limits, edits by spans, the outcome."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

MAX_CHARACTERS = 64 * 1024 * 1024
MAX_NODES = 1_000_000
MAX_DEPTH = 200
# A reserved name, unless the structure itself is called Octopus.
_RESERVED = re.compile(r"octopus([^:]|$)", re.IGNORECASE)


class BrokenDocument(Exception):
    """The text cannot be read in this format; the message says where and why."""

    def __init__(self, message: str, text: str = "", offset: int = 0) -> None:
        if text:
            line = text.count("\n", 0, offset) + 1
            column = offset - (text.rfind("\n", 0, offset) + 1) + 1
            message = f"{message} (line {line}, column {column})"
        super().__init__(message)


class BadValue(Exception):
    """A variable's value cannot be put where it belongs, and the deployment must not go on."""


class Edit(NamedTuple):
    """Text to put in place of `[start, end)`."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class Outcome:
    """The new text, the names of the variables that were put in, and what went wrong."""

    text: str
    replaced: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Budget:
    """Count the nodes of a document; raise BrokenDocument beyond the limits."""

    nodes: int = 0

    def take(self, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise BrokenDocument(f"it has more than {MAX_NODES} values")
        if depth > MAX_DEPTH:
            raise BrokenDocument(f"it is nested more than {MAX_DEPTH} deep")


def check_size(text: str) -> None:
    """Raise BrokenDocument for a text that is too large or not a text."""
    if len(text) > MAX_CHARACTERS:
        raise BrokenDocument(f"it has more than {MAX_CHARACTERS} characters")
    if (place := text.find("\0")) >= 0:
        raise BrokenDocument("it is not a text file: it has a NUL character", text, place)


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Apply the edits; one that lies inside another gives way to it."""
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if edit.start < done:
            continue
        parts += (text[done : edit.start], edit.text)
        done = edit.end
    parts.append(text[done:])
    return "".join(parts)


def is_reserved(name: str) -> bool:
    """Tell whether the name belongs to the deployment itself: `Octopus.…`, not `Octopus:…`."""
    return _RESERVED.match(name) is not None


def newline_of(text: str) -> str:
    """Return the newline that the text uses most, `\\n` for one that has none."""
    return "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"


def indent_unit(indents: Sequence[int], default: int = 2) -> int:
    """Return the most frequent step between nested indents, in columns."""
    steps = [inner - outer for outer, inner in pairwise(indents)]
    counts = {step: steps.count(step) for step in {step for step in steps if step > 0}}
    return max(counts, key=lambda step: (counts[step], -step), default=default)
