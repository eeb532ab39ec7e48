"""The planner against tests/cases/planner."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.language import evaluate
from deployments.execution.plan import PlannedAction, PlannedStep, plan_from_json, plan_to_json
from deployments.execution.planner import (
    ActionKind,
    PlanInput,
    Target,
    make_plan,
)
from deployments.execution.worker_choice import WorkerChoice
from deployments.projects.process import process_from_json

_CASES = json.loads(Path("tests/cases/planner/plans.json").read_text(encoding="utf-8"))
_KINDS = {
    "Octopus.Script": ActionKind(),
    "Octopus.Email": ActionKind(on_server=True, may_retry=False),
    "Octopus.Manual": ActionKind(on_server=True, may_retry=False),
}


def source_of(case: dict[str, Any]) -> PlanInput:
    variables = case.get("variables", {})
    return PlanInput(
        process=process_from_json(case["process"]),
        targets=[
            Target(**{**entry, "roles": frozenset(entry["roles"])})
            for entry in case.get("targets", _CASES["targets"])
        ],
        workers=[
            WorkerChoice(**{**entry, "pools": frozenset(entry["pools"])})
            for entry in case.get("workers", _CASES["workers"])
        ],
        kinds=_KINDS,
        environment="Environments-1",
        channel="Channels-1",
        default_pool="WorkerPools-1",
        pool_names={
            "WorkerPools-1": "Default",
            "WorkerPools-2": "Linux",
            "WorkerPools-3": "Windows",
        },
        tenant_tags=frozenset(case.get("tenant_tags", ())),
        skip_actions=frozenset(case.get("skip_actions", ())),
        specific_machines=frozenset(case.get("specific_machines", ())),
        excluded_machines=frozenset(case.get("excluded_machines", ())),
        specific_tags=frozenset(case.get("specific_tags", ())),
        excluded_tags=frozenset(case.get("excluded_tags", ())),
        parallelism=case.get("parallelism", 10),
        parallelism_is_set="parallelism" in case,
        acquire_parallelism=case.get("acquire_parallelism", 10),
        evaluate=lambda text: evaluate(text, variables).text,
    )


def written(step: PlannedStep) -> dict[str, Any]:
    """Write a step as the cases do."""
    result: dict[str, Any] = {
        "step": f"{step.number} {step.name}",
        "actions": [written_action(action) for action in step.actions],
    }
    if step.window:
        result["window"] = step.window
    if step.condition != "Success":
        result["condition"] = f"{step.condition} {step.expression}".strip()
    if step.parallelism:
        result["parallelism"] = step.parallelism
    if step.skip_reason:
        result["skipped"] = step.skip_reason
    return result


def written_action(action: PlannedAction) -> str:
    places = [
        place.target_name
        + (f" by {place.worker_name}" if place.worker_name else "")
        + (f": {place.error}" if place.error else "")
        for place in action.placements
    ]
    text = f"{action.number} {action.name}{' once' if action.once else ''} on {', '.join(places)}"
    if action.attempts > 1:
        text += f", {action.attempts} attempts every {action.backoff_s:g} s"
    if action.time_limit_s:
        text += f", at most {action.time_limit_s:g} s"
    if action.blocks_others:
        text += ", blocks others"
    if action.skip_reason:
        text += " (left out)"
    if action.condition == "Variable":
        text += f" if {action.expression}"
    return text


@pytest.mark.parametrize("case", _CASES["cases"], ids=lambda case: case["name"])
def test_plan(case: dict[str, Any]) -> None:
    plan = make_plan(source_of(case))
    assert [[written(step) for step in group.steps] for group in plan.groups] == case["plan"]
    assert list(plan.warnings) == case.get("warnings", [])
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan
