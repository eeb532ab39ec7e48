"""decide() against tests/cases/decide."""

import json
from pathlib import Path
from typing import Any

import pytest

from deployments.execution.decide import decide
from deployments.execution.decision import Decision, Flags, Seen
from deployments.execution.guided import Answer
from deployments.execution.plan import (
    SERVER_PLACE,
    Group,
    Placement,
    Plan,
    PlannedAction,
    PlannedStep,
)
from deployments.execution.states import ENDED, ExecutionState

_CASES = json.loads(Path("tests/cases/decide/decisions.json").read_text(encoding="utf-8"))
_PLACES = {"server": SERVER_PLACE}
_DEFAULTS = {"condition": "Success", "expression": ""}


def place(text: str) -> str:
    return _PLACES.get(text, text)


def action_of(entry: dict[str, Any], lanes: tuple[str, ...]) -> PlannedAction:
    places = (SERVER_PLACE,) if entry.get("once") else lanes
    return PlannedAction(
        **{
            "name": entry["id"],
            "action_type": "Octopus.Script",
            "number": "1",
            **entry,
            "placements": tuple(Placement(target, target) for target in places),
        }
    )


def step_of(entry: dict[str, Any], number: int) -> PlannedStep:
    lanes = tuple(place(lane) for lane in entry["lanes"])
    return PlannedStep(
        **{
            "id": f"s{number}",
            "name": f"Step {number}",
            "number": number,
            "window": 0,
            "roles": (),
            **_DEFAULTS,
            **entry,
            "lanes": lanes,
            "actions": tuple(action_of(action, lanes) for action in entry["actions"]),
        }
    )


def plan_of(case: dict[str, Any]) -> Plan:
    numbers = iter(range(1, 100))
    groups = tuple(
        Group(tuple(step_of(step, next(numbers)) for step in group)) for group in case["groups"]
    )
    return Plan(groups, parallelism=case.get("parallelism", 10))


def seen_of(text: str) -> Seen:
    words, _, answer = text.partition(" -> ")
    action, target, state, *attempt = words.split()
    parsed = ExecutionState(state)
    ended = 0.0 if parsed in ENDED else None
    number = int(attempt[0]) if attempt else 1
    return Seen(action, place(target), number, parsed, ended, Answer(answer))


def expected(case: dict[str, Any]) -> dict[str, Any]:
    names = ("starts", "skips", "cancels", "asks", "finish", "waiting", "wake_at")
    return {name: case[name] for name in names if name in case}


def written(decision: Decision) -> dict[str, Any]:
    def where(item: Any) -> str:
        target = "server" if item.target_id == SERVER_PLACE else item.target_id
        attempt = getattr(item, "attempt", 1)
        return f"{item.action_id} {target}" + (f" {attempt}" if attempt > 1 else "")

    finish = decision.finish.state.value if decision.finish else None
    result: dict[str, Any] = {
        "starts": [where(item) for item in decision.starts],
        "skips": [where(item) for item in decision.skips],
        "cancels": [where(item) for item in decision.cancels],
        "asks": [where(item) for item in decision.asks],
        "finish": finish,
        "waiting": decision.waiting,
        "wake_at": decision.wake_at,
    }
    return {name: value for name, value in result.items() if value}


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_decision(case: dict[str, Any]) -> None:
    seen = [seen_of(text) for text in case["seen"]]
    flags = Flags(case.get("now", 0.0), case.get("cancel", 0))

    def is_true(expression: str, action_id: str, target_id: str) -> bool:
        return expression in {"yes", target_id}

    decision = decide(plan_of(case), seen, flags, is_true)
    assert written(decision) == expected(case)
    assert decide(plan_of(case), [*reversed(seen), *seen], flags, is_true) == decision
