"""Caps, windows, time limits, sharing and priority, from the process to the agent."""

from datetime import timedelta
from typing import Any

import pytest

from deployments.execution.services.sweep import expire_commands
from deployments.infrastructure.models import AgentSession, Machine
from deployments.infrastructure.models.machine import HealthStatus
from deployments.library.services import VariableInput
from deployments.projects.services.projects import update_settings
from deployments.server_tasks.states import TaskState
from tests.factories.domain import make_machine, script_step
from tests.factories.execution import make_agent, make_scene
from tests.factories.people import SYSTEM

pytestmark = pytest.mark.django_db
CAP = VariableInput(name="Octopus.Action.MaxParallelism", value="2")


def test_a_variable_of_the_project_caps_the_targets() -> None:
    scene = make_scene(script_step(roles="web"), machines=3, variables=lambda _machines: [CAP])
    first, second = scene.runs()
    scene.finish(first)
    scene.advance()
    assert len(scene.runs()) == 2
    assert second.pk in {run.pk for run in scene.runs()}


def test_a_window_counts_more_than_the_variable() -> None:
    step = script_step(roles="web")
    step["Properties"] = {**step["Properties"], "Octopus.Action.MaxParallelism": "3"}
    scene = make_scene(step, machines=4, variables=lambda _machines: [CAP])
    assert len(scene.runs()) == 3


def test_a_time_limit_is_a_failure_like_others() -> None:
    step = script_step("Slow", roles="web")
    step["Actions"][0]["Properties"]["Octopus.Action.ExecutionTimeout.Minutes"] = "2"
    always = {**script_step("Always", roles="web"), "Condition": "Always"}
    scene = make_scene(step, always)
    (run,) = scene.runs()
    assert run.header["deadline_s"] == 120
    scene.finish(run, exit_code=None, reason="deadline")
    scene.advance()
    scene.run_to_end()
    assert [state for _, _, state in scene.states()] == ["Failed", "Succeeded"]
    assert scene.rows()[0].error_message == "The time limit was exceeded."
    assert scene.state() == TaskState.FAILED


def test_a_command_may_wait_long_for_its_turn_once_the_agent_has_it() -> None:
    scene = make_scene(script_step(roles="web"))
    (run,) = scene.runs()
    assert (run.header["take_within_s"], run.header["ttl_s"]) == (600, 24 * 3600)
    scene.accept(run)
    scene.clock.forward(3 * 3600)
    assert expire_commands(now=scene.clock()) == 0
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS
    (left,) = make_scene(script_step(roles="web")).runs()
    assert expire_commands(now=left.created + timedelta(seconds=599)) == 0
    assert expire_commands(now=left.created + timedelta(seconds=601)) == 1


def test_a_variable_lets_scripts_share_a_target() -> None:
    def only_the_first(machines: list[Machine]) -> list[VariableInput]:
        scope = {"Machine": [machines[0].public_id]}
        return [VariableInput(name="OctopusBypassDeploymentMutex", value="True", scope=scope)]

    scene = make_scene(script_step(roles="web"), machines=2, variables=only_the_first)
    assert [run.header["isolation"]["mode"] for run in scene.runs()] == ["shared", "exclusive"]


@pytest.mark.parametrize(("choice", "number"), [("On", 1), ("Off", 0), ("LifecycleDefault", 0)])
def test_priority_of_a_deployment_is_that_of_its_task(choice: str, number: int) -> None:
    scene = make_scene(script_step(roles="web"), begin=False, priority=choice)
    assert scene.task.priority == number


def test_a_target_disabled_while_the_task_waits_takes_no_part() -> None:
    scene = make_scene(script_step(roles="web"), machines=2, begin=False)
    gone, stays = scene.machines
    gone.is_disabled = True
    gone.save(update_fields=["is_disabled"])
    scene.begin()
    assert [name for _, name, _ in scene.states()] == [stays.name]


def test_a_target_added_after_the_start_takes_no_part() -> None:
    scene = make_scene(script_step(roles="web"), script_step("Second", roles="web"))
    make_agent(make_machine(scene.environment, name="late", roles=["web"]))
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS
    assert {name for _, name, _ in scene.states()} == {scene.machines[0].name}


@pytest.mark.parametrize(
    ("policy", "takes_part"),
    [
        ({}, True),
        ({"SkipMachineBehavior": "SkipUnavailableMachines"}, False),
        ({"SkipMachineBehavior": "SkipUnavailableMachines", "TargetRoles": ["web"]}, False),
        ({"SkipMachineBehavior": "SkipUnavailableMachines", "TargetRoles": ["db"]}, True),
    ],
)
def test_the_policy_says_whether_a_target_that_is_away_takes_part(
    policy: dict[str, Any], *, takes_part: bool
) -> None:
    scene = make_scene(script_step(roles="web"), machines=2, begin=False)
    away, here = scene.machines
    away.health_status = HealthStatus.UNAVAILABLE
    away.save(update_fields=["health_status"])
    AgentSession.objects.filter(agent=away.agent_id).update(disconnected="2026-01-01T00:00Z")
    project = scene.deployment.project
    update_settings(actor=SYSTEM, row=project, settings={"ConnectivityPolicy": policy})
    scene.begin()
    names = [name for _, name, _ in scene.states()]
    assert names == ([away.name, here.name] if takes_part else [here.name])
