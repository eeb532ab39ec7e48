"""A place in the text of a pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.patterns.syntax import InvalidPattern

_COMMENTS = re.compile(r"(?:\(\?#[^)]*\))*")
_SPACES_AND_COMMENTS = re.compile(r"(?:\s|#[^\n]*|\(\?#[^)]*\))*")


@dataclass(slots=True)
class Scanner:
    """The text and how far it has been read."""

    text: str
    position: int = 0

    @property
    def at_end(self) -> bool:
        return self.position >= len(self.text)

    def peek(self) -> str:
        """Give the next character. Raises InvalidPattern at the end."""
        if self.at_end:
            raise InvalidPattern("the pattern ends too early")
        return self.text[self.position]

    def next(self) -> str:
        """Give the next character and step over it. Raises InvalidPattern at the end."""
        char = self.peek()
        self.position += 1
        return char

    def take(self, expected: str) -> bool:
        """Step over the text if it comes next."""
        if self.text.startswith(expected, self.position):
            self.position += len(expected)
            return True
        return False

    def skip_comments(self, *, spaced: bool) -> None:
        """Step over comments, and over what the spaced style allows between parts."""
        skipped = _SPACES_AND_COMMENTS if spaced else _COMMENTS
        match = skipped.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
