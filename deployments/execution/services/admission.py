"""What of a decision's starts begins now: agents that are away, workers that are taken.

Both are looked at when a command is due, not when the plan is made (infrastructure.md 4.3 and
projects.md 2.10).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from deployments.execution.acquisition import ACTION_TYPE
from deployments.execution.decision import Start
from deployments.execution.plan import Placement
from deployments.execution.services.situation import Situation
from deployments.execution.states import ENDED
from deployments.infrastructure.services.presence import present_agents


def away(situation: Situation, starts: Iterable[Start], *, now: datetime) -> list[Start]:
    """Return the starts on targets that may be left out and whose agent is not connected."""
    places = [
        (start, place)
        for start in starts
        # One that failed here already keeps its failure: it is waited for.
        if start.attempt == 1
        and (place := place_of(situation, start)).may_be_left_out
        and place.agent is not None
    ]
    if not places:
        return []
    present = present_agents({place.agent for _, place in places if place.agent}, now)
    return [start for start, place in places if place.agent not in present]


def within_lease_cap(situation: Situation, starts: Sequence[Start]) -> list[Start]:
    """Return the starts that the cap for actions with the same package on one worker allows."""
    cap = situation.plan.worker_lease_cap
    if not cap:
        return list(starts)
    leases: Counter[tuple[str, str]] = Counter()
    for row in situation.rows:
        if row.state not in ENDED:
            leases.update(_leases(situation, row.action_id, row.target_id))
    allowed = []
    for start in starts:
        wanted = _leases(situation, start.action_id, start.target_id)
        if all(leases[lease] < cap for lease in wanted):
            leases.update(wanted)
            allowed.append(start)
    return allowed


def place_of(situation: Situation, start: Start) -> Placement:
    """Return where the action starts."""
    _, action = situation.actions[start.action_id]
    return action.placement(start.target_id) or Placement(start.target_id)


def _leases(situation: Situation, action_id: str, target_id: str) -> set[tuple[str, str]]:
    """Return (worker, package) of each package that the action uses on a worker."""
    _, action = situation.actions[action_id]
    place = action.placement(target_id)
    if place is None or not place.worker_id or action.action_type == ACTION_TYPE:
        return set()
    data = situation.manifest.actions.get(action_id)
    return {(place.worker_id, package.sha256) for package in (data.packages if data else ())}
