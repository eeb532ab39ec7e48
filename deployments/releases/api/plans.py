"""The exact plan of a deployment on the wire."""

from typing import Any

from deployments.releases.services.exact_plan import (
    ExactAction,
    ExactPlace,
    ExactPlan,
    ExactStep,
)

_Places = dict[int, list[dict[str, Any]]]


def plan_resource(plan: ExactPlan) -> dict[str, Any]:
    """Return groups in order; the steps of one run side by side."""
    # Actions share places, so each of them is written once.
    places = {
        id(action.places): [_place(place) for place in action.places]
        for action in {id(a.places): a for step in plan.steps for a in step.actions}.values()
    }
    return {
        "Groups": [{"Steps": [_step(step, places) for step in group]} for group in plan.groups],
        "Warnings": list(plan.warnings),
    }


def _step(step: ExactStep, places: _Places) -> dict[str, Any]:
    return {
        "Number": step.number,
        "Name": step.name,
        "WindowSize": step.window,
        "Condition": step.condition,
        "SkipReason": step.skip_reason or None,
        "Actions": [_action(action, places) for action in step.actions],
    }


def _action(action: ExactAction, places: _Places) -> dict[str, Any]:
    return {
        "ActionId": action.id,
        "ActionName": action.name,
        "ActionNumber": action.number,
        "ActionType": action.action_type,
        "Condition": action.condition,
        "SkipReason": action.skip_reason or None,
        "Attempts": action.attempts,
        "GuidedFailure": action.is_guided,
        "HiddenPlaces": action.hidden,
        "Places": places[id(action.places)],
    }


def _place(place: ExactPlace) -> dict[str, Any]:
    return {
        "MachineId": place.target or None,
        "Name": place.name,
        "Worker": place.worker or None,
        "Problem": place.error or None,
    }
