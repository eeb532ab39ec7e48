"""What a benchmark has found: numbers beside their goals, and tables that explain them."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One number. `goal` is the most it may be, or the least where `at_least` is set."""

    what: str
    value: float
    unit: str = ""
    goal: float | None = None
    at_least: bool = False

    @property
    def ratio(self) -> float | None:
        """Return the number as a multiple of its goal."""
        return self.value / self.goal if self.goal else None

    @property
    def is_met(self) -> bool:
        if self.goal is None:
            return True
        return self.value >= self.goal if self.at_least else self.value <= self.goal


@dataclass
class Section:
    """The result of one benchmark. `remarks` are Markdown: tables and sentences."""

    measures: list[Measure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(
        self,
        what: str,
        value: float,
        unit: str = "",
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """Add a number with the goal that it has."""
        goal = at_least if at_least is not None else at_most
        self.measures.append(Measure(what, value, unit, goal, at_least=at_least is not None))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Section":
        measures = [Measure(**entry) for entry in document["measures"]]
        return cls(measures, list(document["remarks"]))


def median_ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """Return the median of the rounds' ratios, so that a busy moment slows both sides."""
    return statistics.median(a / b for a, b in zip(values, others, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are numbers."""
    lines = [head, ["---", *("--:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    """Write a number with as many digits as tell something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
