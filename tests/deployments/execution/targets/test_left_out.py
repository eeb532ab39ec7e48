"""A target that is left out keeps its failures, and is not left out for a moment's absence."""

from datetime import timedelta
from typing import Any

import pytest

from deployments.infrastructure.models import AgentSession, Machine
from deployments.infrastructure.models.machine import HealthStatus
from deployments.server_tasks.states import TaskState
from tests.deployments.execution.targets.test_acquisition import leave, lenient
from tests.factories.domain import make_machine, script_step
from tests.factories.execution import Scene, make_agent, make_scene
from tests.factories.spaces import default_space

pytestmark = pytest.mark.django_db


def begun(*steps: dict[str, Any], machines: int = 2) -> Scene:
    scene = make_scene(*steps, machines=machines, begin=False)
    lenient(scene)
    scene.begin()
    return scene


def fail_and_leave(scene: Scene) -> None:
    """Let the first target fail and go away, and the others succeed."""
    first, *others = scene.runs()
    scene.accept(first, *others)
    scene.start(first, *others)
    scene.finish(first, exit_code=1)
    scene.finish(*others)
    leave(scene.machines[0])
    scene.advance()


def test_a_failure_counts_although_the_target_is_left_out_afterwards() -> None:
    cleanup = {**script_step("Clean up", roles="web"), "Condition": "Always"}
    steps = (script_step("Install", roles="web"), cleanup, script_step("Go live", roles="web"))
    scene = begun(*steps)
    fail_and_leave(scene)
    scene.run_to_end()
    away, there = (machine.name for machine in scene.machines)
    assert ("Clean up", away, "LeftOut") in scene.states()
    assert ("Go live", there, "Skipped") in scene.states()
    assert scene.state() == TaskState.FAILED


def test_a_retry_is_waited_for() -> None:
    step = script_step("Install", roles="web")
    step["Actions"][0]["Properties"]["Octopus.Action.AutoRetry.MaximumCount"] = "1"
    scene = begun(step, machines=1)
    fail_and_leave(scene)
    assert [state for _, _, state in scene.states()] == ["Failed", "Pending"]
    AgentSession.objects.update(disconnected=None)
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS


def test_a_window_that_a_failure_closed_stays_closed() -> None:
    step = script_step("Install", roles="web")
    step["Properties"]["Octopus.Action.MaxParallelism"] = "1"
    report = script_step("Report", roles="web")["Actions"][0]
    report["Condition"] = "Variable"
    report["Properties"]["Octopus.Action.ConditionVariableExpression"] = "True"
    step["Actions"].append(report)
    scene = begun(step)
    fail_and_leave(scene)
    scene.run_to_end()
    assert scene.state() == TaskState.FAILED


def test_a_moment_of_absence_leaves_nobody_out() -> None:
    scene = make_scene(script_step("One", roles="web"), machines=2, begin=False)
    lenient(scene)
    now = scene.clock()
    AgentSession.objects.update(disconnected=now - timedelta(seconds=1))
    Machine.objects.in_space(default_space()).update(health_status=HealthStatus.UNAVAILABLE)
    scene.begin()
    assert [state for _, _, state in scene.states()] == ["Pending", "Pending"]


def test_another_target_that_is_away_hides_no_lack_of_targets() -> None:
    scene = make_scene(script_step("One", roles="web"), begin=False)
    other = make_machine(scene.environment, roles=["db"])
    make_agent(other)
    lenient(scene)
    leave(other)
    rows = Machine.objects.in_space(default_space())
    rows.filter(pk=other.pk).update(health_status=HealthStatus.UNAVAILABLE)
    rows.filter(pk=scene.machines[0].pk).update(is_disabled=True)
    scene.begin()
    assert scene.state() == TaskState.FAILED
