"""Which release is in a lane (an environment, for a tenant or none) and which was before; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Lane = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class Success:
    """The newest success of a release in a lane; `deployment` counts up with time."""

    lane: Lane
    release: int
    version: str
    deployment: int


@dataclass(frozen=True, slots=True)
class Occupied:
    """What succeeded last in a lane, and what of another release before it."""

    now: Success
    before: Success | None = None


def occupied_lanes(successes: Iterable[Success]) -> Mapping[Lane, Occupied]:
    """Return what is in each lane: a release deployed again is not its own predecessor."""
    found: dict[Lane, Occupied] = {}
    for success in sorted(successes, key=lambda each: -each.deployment):
        here = found.get(success.lane)
        if here is None:
            found[success.lane] = Occupied(success)
        elif here.before is None and success.release != here.now.release:
            found[success.lane] = Occupied(here.now, success)
    return found
