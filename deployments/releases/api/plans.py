"""The exact plan of a deployment on the wire."""

from typing import Any

from deployments.releases.services.exact_plan import ExactAction, ExactPlan, ExactStep


def plan_resource(plan: ExactPlan) -> dict[str, Any]:
    """Return groups in order; the steps of one run side by side."""
    return {
        "Groups": [{"Steps": [_step(step) for step in group]} for group in plan.groups],
        "Warnings": list(plan.warnings),
    }


def _step(step: ExactStep) -> dict[str, Any]:
    return {
        "Number": step.number,
        "Name": step.name,
        "WindowSize": step.window,
        "Condition": step.condition,
        "SkipReason": step.skip_reason or None,
        "Actions": [_action(action) for action in step.actions],
    }


def _action(action: ExactAction) -> dict[str, Any]:
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
        "Places": [
            {
                "MachineId": place.target or None,
                "Name": place.name,
                "Worker": place.worker or None,
                "Problem": place.error or None,
            }
            for place in action.places
        ],
    }
