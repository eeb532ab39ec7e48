"""Rows of several tables written by one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Together:
    """The beginning of a statement of PostgreSQL: parts with names, done all or not at all.

    A part reads what earlier ones have given, by their names. What is added to them later is
    written once for each row that the part `source` gives: not at all when it gives none.
    """

    source: str
    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, name: str, sql: str, values: Sequence[Any] = ()) -> None:
        """Add a part; what it gives stands in its RETURNING."""
        self.parts.append(f"{name} AS ({sql})")
        self.values += values
