"""Why what has not begun, or does not go on, waits: a pure function of what is known of a task."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.execution.acquisition import ACTION_TYPE as ACQUISITION
from deployments.execution.plan import SERVER_PLACE, Plan, PlannedAction, PlannedStep
from deployments.execution.states import ENDED, ExecutionState

# A command usually takes milliseconds to be taken; sooner than this nothing is worth saying.
SOON = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Live:
    """An attempt of a task as far as waiting goes.

    `accepted` and `is_canceled` are what is known of its command; `busy` names the tasks whose
    scripts run on its machine; `away_since` is when its agent was last there.
    """

    action_id: str
    target_id: str
    target_name: str
    attempt: int
    state: ExecutionState
    queued: datetime
    finished: datetime | None = None
    has_agent: bool = False
    accepted: datetime | None = None
    is_canceled: bool = False
    away_since: datetime | None = None
    is_away: bool = False
    busy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """What waits, and why."""

    what: str
    why: str


def waits(plan: Plan, executions: Sequence[Live], now: datetime) -> list[Wait]:
    """Return what waits in a task that runs, in the order of the plan."""
    last: dict[tuple[str, str], Live] = {}
    for live in executions:
        key = (live.action_id, live.target_id)
        if key not in last or last[key].attempt < live.attempt:
            last[key] = live
    leased = _leased(plan, last)
    found = []
    for step in plan.steps:
        for action in step.actions:
            for place in action.placements:
                row = last.get((action.id, place.target_id))
                why = _why(plan, action, row, now) if row else ""
                if why:
                    where = "" if place.target_id == SERVER_PLACE else f" on {place.target_name}"
                    found.append(Wait(f"{action.name}{where}:", why))
        found += _on_leased_workers(plan, step, last, leased) or _behind(plan, step, last)
    return found


def _why(plan: Plan, action: PlannedAction, row: Live, now: datetime) -> str:
    if row.state == ExecutionState.FAILED and row.attempt < action.attempts and row.finished:
        due = row.finished + timedelta(seconds=action.backoff_s)
        if due > now:
            return f"attempt {row.attempt + 1} of {action.attempts} starts at {due:%H:%M:%S} UTC."
        return ""
    if row.state != ExecutionState.PENDING or now - row.queued < SOON:
        return ""
    if not row.has_agent:
        return "waits for a free worker process of the server."
    if row.is_canceled and row.is_away:
        return (
            "the Tentacle went away and may run the command still; it is told to stop as soon as"
            " it is back. Cancel once more to end the task without its answer."
        )
    place = action.placement(row.target_id)
    if row.accepted is None:
        return _not_taken(plan, row, leaves=bool(place and place.may_be_left_out))
    takes_turns = action.action_type != ACQUISITION and not (place and place.worker_id)
    if row.busy and takes_turns:
        return f"waits for its turn; {_and(row.busy)} runs a script on the machine."
    return "the Tentacle has taken it and prepares it."


def _not_taken(plan: Plan, row: Live, *, leaves: bool) -> str:
    given_up = row.queued + timedelta(seconds=plan.start_within_s)
    until = f"it is given up at {given_up:%H:%M} UTC."
    if row.is_away and leaves and row.attempt == 1:
        return "the Tentacle is not connected; the target is left out soon."
    if not row.is_away:
        return f"the Tentacle has not taken it yet; {until}"
    if row.away_since is None:
        return f"the Tentacle has never been connected; {until}"
    return (
        f"the Tentacle has not been connected since {row.away_since:%Y-%m-%d %H:%M:%S} UTC; {until}"
    )


def _behind(plan: Plan, step: PlannedStep, last: Mapping[tuple[str, str], Live]) -> list[Wait]:
    """Return the places of a step that cannot begin before others are done."""
    ids = [action.id for action in step.actions if not action.once]
    begun = {lane for lane in step.lanes if any((one, lane) in last for one in ids)}
    live = any(
        row.state not in ENDED for (action_id, _), row in last.items() if action_id in set(ids)
    )
    waiting = len(step.lanes) - len(begun)
    if not (live and waiting and begun):
        return []
    most = step.window or step.parallelism or plan.parallelism
    why = "Octopus.Acquire.MaxParallelism" if step.parallelism else "Octopus.Action.MaxParallelism"
    why = "the window of the rolling step" if step.window else why
    targets = "1 more target waits" if waiting == 1 else f"{waiting} more targets wait"
    return [Wait(f"{step.name}:", f"{targets}, at most {most} at a time ({why}).")]


def _leased(plan: Plan, last: Mapping[tuple[str, str], Live]) -> Counter[str]:
    """Return how many actions are on each worker now, where there is a cap for them."""
    if not plan.worker_lease_cap:
        return Counter()
    return Counter(
        place.worker_id
        for step in plan.steps
        for action in step.actions
        for place in action.placements
        if place.worker_id and _is_live(last.get((action.id, place.target_id)))
    )


def _on_leased_workers(
    plan: Plan, step: PlannedStep, last: Mapping[tuple[str, str], Live], leased: Counter[str]
) -> list[Wait]:
    """Return what of a step is due and finds its worker taken.

    Whose packages are there is sealed, so the cap is named where a worker has as many actions as
    it allows.
    """
    if not leased or not _is_due(plan, step, last):
        return []
    waiting: Counter[str] = Counter()
    for lane in step.lanes:
        ended = True
        for action in step.actions:
            place, row = action.placement(lane), last.get((action.id, lane))
            if ended and row is None and place and leased[place.worker_id] >= plan.worker_lease_cap:
                waiting[place.worker_name] += 1
            ended = ended and row is not None and row.state in ENDED
    cap = plan.worker_lease_cap
    with_package = "1 action" if cap == 1 else f"{cap} actions"
    return [
        Wait(
            f"{step.name}:",
            f"{count} {'waits' if count == 1 else 'wait'} for {name}, at most {with_package} with"
            " the same package at a time there (Octopus.Deployment.WorkerLeaseCap).",
        )
        for name, count in waiting.items()
    ]


def _is_due(plan: Plan, step: PlannedStep, last: Mapping[tuple[str, str], Live]) -> bool:
    """Tell whether the group of the step is the one that is carried out."""
    group = next(group for group in plan.groups if step in group.steps)
    ids = {action.id for each in group.steps for action in each.actions}
    return any(action_id in ids and _is_live(row) for (action_id, _), row in last.items())


def _is_live(row: Live | None) -> bool:
    return row is not None and row.state not in ENDED


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
