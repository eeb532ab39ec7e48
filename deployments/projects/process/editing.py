"""Changes to a process as pure functions: moving, switching, removing and putting actions."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from deployments.projects.process.shape import Action, Process, Step

T = TypeVar("T")

WITH_PREVIOUS = "StartWithPrevious"
AFTER_PREVIOUS = "StartAfterPrevious"


def step_of(process: Process, action_id: str) -> Step | None:
    """Return the step that holds the action."""
    return next((step for step, action in process.actions() if action.id == action_id), None)


def moved(process: Process, action_id: str, by: int) -> Process:
    """Move the action one place among its siblings, a step's only action with its step."""
    step = step_of(process, action_id)
    if step is None:
        return process
    if len(step.actions) > 1:
        at = next(place for place, each in enumerate(step.actions) if each.id == action_id)
        actions = _swapped(step.actions, at, by)
        return _each_step(process, lambda each: _with(each, step, actions))
    steps = _swapped(process.steps, process.steps.index(step), by)
    return Process(_first_starts_alone(steps))


def switched(process: Process, action_id: str, *, is_disabled: bool) -> Process:
    """Disable the action, or enable it again."""
    return _each_action(
        process,
        lambda action: (
            replace(action, is_disabled=is_disabled) if action.id == action_id else action
        ),
    )


def removed(process: Process, action_id: str) -> Process:
    """Remove the action; a step without actions goes as well."""
    steps = []
    for step in process.steps:
        actions = tuple(action for action in step.actions if action.id != action_id)
        if actions or not step.actions:
            steps.append(replace(step, actions=actions))
    return Process(_first_starts_alone(tuple(steps)))


def put(process: Process, step: Step, action: Action, *, is_new: bool) -> Process:
    """Replace the action and its step, or add a new step at the end."""
    if is_new:
        return Process(_first_starts_alone((*process.steps, replace(step, actions=(action,)))))
    steps = []
    for each in process.steps:
        if any(held.id == action.id for held in each.actions):
            actions = tuple(action if held.id == action.id else held for held in each.actions)
            steps.append(replace(step, actions=actions))
        else:
            steps.append(each)
    return Process(_first_starts_alone(tuple(steps)))


def parallel_groups(process: Process) -> list[tuple[Step, ...]]:
    """Return the steps in order, those that start together in one group."""
    groups: list[list[Step]] = []
    for step in process.steps:
        if groups and step.start_trigger == WITH_PREVIOUS:
            groups[-1].append(step)
        else:
            groups.append([step])
    return [tuple(group) for group in groups]


def _swapped(items: tuple[T, ...], at: int, by: int) -> tuple[T, ...]:
    to = at + by
    if not 0 <= to < len(items):
        return items
    changed = list(items)
    changed[at], changed[to] = changed[to], changed[at]
    return tuple(changed)


def _first_starts_alone(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """There is nothing that the first step could start with."""
    if steps and steps[0].start_trigger == WITH_PREVIOUS:
        return (replace(steps[0], start_trigger=AFTER_PREVIOUS), *steps[1:])
    return steps


def _with(each: Step, wanted: Step, actions: tuple[Action, ...]) -> Step:
    return replace(each, actions=actions) if each is wanted else each


def _each_step(process: Process, change: Callable[[Step], Step]) -> Process:
    return Process(tuple(change(step) for step in process.steps))


def _each_action(process: Process, change: Callable[[Action], Action]) -> Process:
    return _each_step(
        process,
        lambda step: replace(step, actions=tuple(change(action) for action in step.actions)),
    )
