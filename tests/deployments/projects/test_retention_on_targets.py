"""What a lifecycle says about files on targets reaches the agents as a variable."""

from typing import Any

import pytest

from deployments.projects.models import Lifecycle, Phase
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene

pytestmark = pytest.mark.django_db
ITEMS, DAYS = "OctopusRetentionPolicyItemsToKeep", "OctopusRetentionPolicyDaysToKeep"
FOREVER = {"Strategy": "Forever", "Unit": "Items", "QuantityToKeep": 0, "ShouldKeepForever": True}


def sent(lifecycle: Any, phase: Any = None) -> dict[str, str]:
    """Return the variables of the policy that the agent gets."""
    scene: Scene = make_scene(script_step(roles="web"), begin=False)
    row = scene.deployment.project.lifecycle
    Lifecycle.objects.in_space(row.space).filter(pk=row.pk).update(tentacle_retention=lifecycle)
    Phase.objects.filter(lifecycle=row).update(tentacle_retention=phase)
    scene.begin()
    [run] = scene.runs()
    variables = scene.variables(run)
    return {name: variables[name] for name in (ITEMS, DAYS) if name in variables}


COUNT = {"Strategy": "Count", "Unit": "Items", "QuantityToKeep": 3, "ShouldKeepForever": False}
WEEK = {"Unit": "Days", "QuantityToKeep": 7, "ShouldKeepForever": False}


@pytest.mark.parametrize(
    ("lifecycle", "phase", "variables"),
    [
        (None, None, {}),
        (FOREVER, None, {}),
        (COUNT, None, {ITEMS: "3"}),
        (WEEK, None, {DAYS: "7"}),
        (COUNT, WEEK, {DAYS: "7"}),
        (COUNT, FOREVER, {}),
    ],
)
def test_the_lifecycle_counts_unless_the_phase_says_something(
    lifecycle: Any, phase: Any, variables: dict[str, str]
) -> None:
    assert sent(lifecycle, phase) == variables


@pytest.mark.parametrize(
    "odd",
    [
        {"Unit": "Items", "QuantityToKeep": 0},
        {"Unit": "Items", "QuantityToKeep": "many"},
        {"Unit": "Moons", "QuantityToKeep": 3},
        {"Strategy": "Default", "Unit": "Items", "QuantityToKeep": 3},
    ],
)
def test_what_is_no_number_keeps_everything(odd: dict[str, Any]) -> None:
    assert sent(odd) == {}
