"""What an evaluation may use beside the variables: the time, more filters, and its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeAlias

from agent.language.culture import INVARIANT, Culture
from agent.language.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Call:
    """What a filter is given; the argument is None only for filters that ask for it."""

    argument: str | None
    options: tuple[str, ...]
    environment: Environment

    @property
    def text(self) -> str:
        """The argument, empty when it is missing."""
        return self.argument or ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A function on text and how many options it takes; other numbers leave the token as it is.

    The function answers None when it cannot work with what it was given. One that `tells_time`
    may answer something else for the same text later.
    """

    function: Callable[[Call], str | None]
    least: int = 0
    most: int | None = 0
    takes_missing: bool = False
    tells_time: bool = False

    def apply(self, call: Call) -> str | None:
        """Apply the filter. Raises FilterError."""
        count = len(call.options)
        if count < self.least or (self.most is not None and count > self.most):
            return None
        if call.argument is None and not self.takes_missing:
            return None
        return self.function(call)


Filters: TypeAlias = Mapping[str, Filter]


def _system_time() -> datetime:
    return datetime.now(UTC).astimezone()  # noqa: TID251 - the one place the default clock is read


@dataclass(frozen=True, slots=True)
class Environment:
    """Settings of an evaluation; extra filters are found by their lower-case name.

    `now` gives the local time with its zone, `culture` how numbers and dates are written.
    """

    now: Callable[[], datetime] = _system_time
    extra_filters: Filters = field(default_factory=lambda: MappingProxyType({}))
    limits: Limits = DEFAULT_LIMITS
    culture: Culture = INVARIANT


DEFAULT_ENVIRONMENT = Environment()
