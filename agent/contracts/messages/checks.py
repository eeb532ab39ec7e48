"""Markers for `Annotated` fields that the codec enforces."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    """The whole text must match."""

    pattern: str

    def problem(self, value: object) -> str | None:
        """Return what is wrong with the value, or None."""
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            return None
        return "does not have the required form"


@dataclass(frozen=True, slots=True)
class Range:
    """The number must lie between both ends, ends included."""

    low: float
    high: float

    def problem(self, value: object) -> str | None:
        """Return what is wrong with the value, or None."""
        if isinstance(value, (int, float)) and self.low <= value <= self.high:
            return None
        return f"must be between {self.low} and {self.high}"
