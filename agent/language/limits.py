"""Bounds on what one evaluation may cost, and the errors that end it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

_CLOCK_INTERVAL = 128
_TEXT_OF_A_STEP = 4_096


class LanguageError(Exception):
    """An evaluation was ended; the message is meant for the person who wrote the template."""


class RecursiveDefinition(LanguageError):
    """A variable refers to itself."""


class FilterError(LanguageError):
    """A filter could not work with what it was given."""


class LimitExceeded(LanguageError):
    """The evaluation would cost more than it may."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one evaluation may cost; characters are counted in values on the way too."""

    depth: int = 60
    characters: int = 32_000_000
    loops: int = 200_000
    seconds: float = 30.0


DEFAULT_LIMITS = Limits()


@dataclass(slots=True)
class Budget:
    """What is left of the limits during one evaluation."""

    limits: Limits
    characters: int = 0
    loops: int = 0
    depth: int = 0
    _deadline: float = field(init=False)
    _until_clock: int = _CLOCK_INTERVAL

    def __post_init__(self) -> None:
        self._deadline = time.monotonic() + self.limits.seconds

    def write(self, count: int) -> None:
        """Count characters that were produced."""
        self.characters += count
        if self.characters > self.limits.characters:
            raise LimitExceeded(
                f"The template produces more than {self.limits.characters} characters."
            )

    def loop(self) -> None:
        """Count one round of a loop."""
        self.foresee(1)
        self.loops += 1

    def foresee(self, rounds: int) -> None:
        """Refuse a loop of so many rounds before anything is made for them."""
        if self.loops + rounds > self.limits.loops:
            raise LimitExceeded(f"The template loops more than {self.limits.loops} times.")

    def step(self, count: int = 1, text: str | None = None) -> None:
        """Count steps of work, more where a long text is looked through; look at the clock."""
        self._until_clock -= count if text is None else count + len(text) // _TEXT_OF_A_STEP
        if self._until_clock <= 0:
            self._until_clock = _CLOCK_INTERVAL
            if time.monotonic() > self._deadline:
                raise LimitExceeded(
                    f"The template takes longer than {self.limits.seconds:g} seconds."
                )

    def enter(self) -> None:
        """Go one value deeper."""
        self.depth += 1
        if self.depth > self.limits.depth:
            raise LimitExceeded(
                f"Variables refer to one another more than {self.limits.depth} levels deep."
            )

    def leave(self) -> None:
        self.depth -= 1
