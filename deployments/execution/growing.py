"""A plan that gets more targets while it is carried out; pure.

Rules: projects.md 9.3, infrastructure.md 4.4. Only what stands behind the step that takes them in
changes, and of that only the targets that are new: what was fixed at the start stays.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from deployments.execution.plan import Group, Placement, Plan, PlannedAction, PlannedStep


def with_newcomers(plan: Plan, newcomers: Plan, step_id: str) -> Plan:
    """Return the plan with the targets of another one in all groups behind that of the step.

    The other plan is made from the same process for the new targets alone.
    """
    groups = plan.groups
    before = len(list(takewhile(lambda group: not _has(group, step_id), groups))) + 1
    more = {step.id: step for step in newcomers.steps if not step.skip_reason}
    behind = (
        Group(tuple(_joined(step, more.get(step.id)) for step in group.steps))
        for group in groups[before:]
    )
    return replace(plan, groups=(*groups[:before], *behind))


def _has(group: Group, step_id: str) -> bool:
    return any(step.id == step_id for step in group.steps)


def _joined(step: PlannedStep, more: PlannedStep | None) -> PlannedStep:
    if more is None:
        return step
    if step.skip_reason:
        return more  # nobody had its tags
    actions = {action.id: action for action in more.actions}
    return replace(
        step,
        lanes=_with(step.lanes, more.lanes),
        actions=tuple(_wider(action, actions.get(action.id)) for action in step.actions),
    )


def _wider(action: PlannedAction, more: PlannedAction | None) -> PlannedAction:
    if more is None or action.once:
        return action
    return replace(action, placements=_with_places(action.placements, more.placements))


def _with(lanes: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*lanes, *more)))


def _with_places(places: Sequence[Placement], more: Sequence[Placement]) -> tuple[Placement, ...]:
    known = {place.target_id for place in places}
    return (*places, *(place for place in more if place.target_id not in known))
