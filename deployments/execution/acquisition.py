"""Bringing the packages of a task to its targets before the first step that needs one; pure.

Rules: projects.md 2.7. A group of its own comes before the first step that uses a package or is
said to run after the acquisition; steps that are to run before it stand before it already.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from deployments.execution.plan import (
    SERVER_PLACE,
    Group,
    Placement,
    PlannedAction,
    PlannedStep,
)

ACTION_TYPE: Final = "Octopus.AcquirePackages"
NAME: Final = "Acquire packages"
PREFIX: Final = "acquire-packages"
DEFAULT_PARALLELISM: Final = 10


def with_acquisition(
    groups: Iterable[Group],
    bringing: Collection[str],
    after: Collection[str],
    *,
    parallelism: int = DEFAULT_PARALLELISM,
    guided: bool = False,
) -> tuple[Group, ...]:
    """Return the groups with the one that acquires packages, where there is something to bring.

    `bringing` are the actions (ids) that have packages, `after` the steps (ids) said to run after
    the acquisition.
    """
    given = tuple(groups)
    places = _places(given, bringing)
    if not places:
        return given
    position = next(
        index
        for index, group in enumerate(given)
        if any(step.id in after or _brings(step, bringing) for step in group.steps)
    )
    steps = _steps(places, given[position].steps[0].number, parallelism, guided=guided)
    return (*given[:position], Group(steps), *given[position:])


def acquired_actions(steps: Iterable[PlannedStep], place: Placement) -> list[str]:
    """Return the actions (ids) that the place's agent runs, whose packages it acquires."""
    return [
        action.id
        for step in steps
        for action in step.actions
        if action.action_type != ACTION_TYPE and not (step.skip_reason or action.skip_reason)
        if any(other.agent == place.agent for other in action.placements)
    ]


def _brings(step: PlannedStep, bringing: Collection[str]) -> bool:
    return not step.skip_reason and any(
        action.id in bringing and not action.skip_reason for action in step.actions
    )


def _places(groups: Iterable[Group], bringing: Collection[str]) -> dict[int, Placement]:
    """Return where packages are needed, by agent."""
    places: dict[int, Placement] = {}
    for group in groups:
        for step in group.steps:
            for action in step.actions:
                if action.id not in bringing or step.skip_reason or action.skip_reason:
                    continue
                for place in action.placements:
                    if place.agent is not None:
                        places.setdefault(place.agent, place)
    return places


def _steps(
    places: Mapping[int, Placement], number: int, parallelism: int, *, guided: bool
) -> tuple[PlannedStep, ...]:
    targets = tuple(place for place in places.values() if not place.worker_id)
    workers = [place for place in places.values() if place.worker_id]
    steps = [_step(PREFIX, NAME, number, targets, parallelism, guided=guided)] if targets else []
    for place in workers:
        own = Placement(
            SERVER_PLACE, place.worker_name, place.agent, place.worker_id, place.worker_name
        )
        name = f"{NAME} on {place.worker_name}"
        key = f"{PREFIX}-{place.agent}"
        steps.append(_step(key, name, number, (own,), parallelism, guided=guided))
    return tuple(steps)


def _step(
    key: str,
    name: str,
    number: int,
    places: tuple[Placement, ...],
    parallelism: int,
    *,
    guided: bool,
) -> PlannedStep:
    action = PlannedAction(
        id=key,
        name=name,
        action_type=ACTION_TYPE,
        number="",
        placements=places,
        guided=guided,
    )
    return PlannedStep(
        id=key,
        name=name,
        number=number,
        condition="Success",
        expression="",
        window=0,
        lanes=tuple(place.target_id for place in places),
        roles=(),
        actions=(action,),
        parallelism=max(1, parallelism),
    )
