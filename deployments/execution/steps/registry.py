"""Finds the step types: every folder here with a `step` module that has a STEP."""

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from deployments.execution.planner import ActionKind
from deployments.execution.steps.step_type import StepType


@cache
def _step_types() -> dict[str, StepType]:
    found: list[StepType] = []
    folder = Path(__file__).parent
    for module in pkgutil.iter_modules([str(folder)]):
        if module.ispkg:
            step = importlib.import_module(f"{__package__}.{module.name}.step")
            found.append(step.STEP)
    return {step_type.action_type: step_type for step_type in sorted(found, key=_by_name)}


def _by_name(step_type: StepType) -> tuple[str, str]:
    return step_type.category, step_type.name


def all_step_types() -> list[StepType]:
    """Return every step type that can be chosen, by category and name."""
    return [step_type for step_type in _step_types().values() if not step_type.is_internal]


def find_step_type(action_type: str) -> StepType | None:
    """Return the step type of an action type such as `Octopus.Script`."""
    return _step_types().get(action_type)


def action_kinds() -> dict[str, ActionKind]:
    """Return what the planner must know of each type."""
    return {
        name: ActionKind(
            on_server=step_type.on_server,
            may_retry=not step_type.on_server,
            asks_people=step_type.ask is not None,
        )
        for name, step_type in _step_types().items()
    }
