"""Which release is in a lane (an environment, for a tenant or none) and which was before; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Lane = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A release in a lane: its newest deployment there, and its newest that succeeded, if any.

    The numbers of deployments count up with time.
    """

    lane: Lane
    release: int
    version: str
    newest: int
    succeeded: int | None


@dataclass(frozen=True, slots=True)
class Occupied:
    """What was deployed to a lane last, however that ended, and what one would go back to.

    `before` is the release besides it that succeeded there last.
    """

    now: Attempt
    before: Attempt | None = None


def occupied_lanes(attempts: Iterable[Attempt]) -> Mapping[Lane, Occupied]:
    """Return what is in each lane; there is one attempt of each release in a lane."""
    lanes: dict[Lane, list[Attempt]] = {}
    for attempt in attempts:
        lanes.setdefault(attempt.lane, []).append(attempt)
    found = {}
    for lane, here in lanes.items():
        now = max(here, key=lambda each: each.newest)
        others = [each for each in here if each.succeeded and each.release != now.release]
        found[lane] = Occupied(now, max(others, key=lambda each: each.succeeded or 0, default=None))
    return found
