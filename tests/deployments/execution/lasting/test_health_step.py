"""The Health Check step: fails, or leaves out what is not in order."""

from typing import Any

import pytest

from deployments.execution.services.server_actions import run_server_action
from deployments.execution.steps.health_check.checking import check
from deployments.execution.variables import Variables
from deployments.infrastructure.models import Machine
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import TaskState
from tests.factories.domain import make_machine, script_step
from tests.factories.execution import Scene, make_agent, make_scene
from tests.factories.health import Check, make_policy

db = pytest.mark.django_db
PREFIX = "Octopus.Action.HealthCheck"
INCLUDE = {"IncludeMachinesInDeployment": "IncludeCheckedMachines"}
WARN = {"ErrorHandling": "TreatExceptionsAsWarnings"}


def health_step(window: str = "", **properties: str) -> dict[str, Any]:
    """Return a step that checks the targets with the tag web."""
    rolling = {"Octopus.Action.MaxParallelism": window} if window else {}
    return {
        "Name": "Look",
        "Properties": {"Octopus.Action.TargetRoles": "web", **rolling},
        "Actions": [
            {
                "Name": "Look",
                "ActionType": "Octopus.HealthCheck",
                "Properties": {f"{PREFIX}.{name}": text for name, text in properties.items()},
            }
        ],
    }


def work(scene: Scene) -> None:
    """Do what the woken workers do."""
    for _ in range(2):
        for row in scene.rows():
            run_server_action(row.pk, clock=scene.clock)
        scene.advance()


def checks(scene: Scene) -> list[Check]:
    """Return the health checks that the deployment queued, started."""
    rows = ServerTask.objects.in_space(scene.deployment.space).filter(kind="Health")
    found = [Check(row.pk, scene.clock) for row in rows.order_by("pk")]
    found[-1].begin()
    return found


def names(scene: Scene) -> list[str]:
    return [machine.name for machine in scene.machines]


@db
def test_all_in_order_goes_on() -> None:
    scene = make_scene(health_step(), script_step("After", roles="web"), machines=2)
    work(scene)
    (health,) = checks(scene)
    assert health.task.arguments == {
        "MachineIds": [machine.public_id for machine in scene.machines],
        "CheckType": "FullHealthCheck",
        "ParentTaskId": scene.task.public_id,
    }
    assert health.task.environment_number == scene.environment.pk
    health.end(names(scene)[0])
    health.end(names(scene)[1], lines=[("warning", "hm")])
    health.advance()
    work(scene)
    assert {row.action_name for row in scene.rows()} == {"Look", "After"}
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS


@db
def test_one_that_fails_the_check_fails_the_deployment() -> None:
    scene = make_scene(health_step(), script_step("After", roles="web"), machines=2)
    work(scene)
    (health,) = checks(scene)
    good, bad = names(scene)
    health.end(good)
    health.end(bad, 4)
    health.advance()
    work(scene)
    assert scene.state() == TaskState.FAILED
    look = scene.rows()[0]
    assert look.error_message == f"1 of 2 targets failed the health check: {bad}."


@db
def test_what_is_away_is_left_out_of_the_rest_and_only_once() -> None:
    scene = make_scene(
        script_step("Before", roles="db"),
        health_step(**WARN),
        script_step("After", roles="web"),
        machines=3,
        roles=("web", "db"),
    )
    scene.run_to_end()
    work(scene)
    (health,) = checks(scene)
    good, ill, away = names(scene)
    health.end(good)
    health.end(ill, 1)
    health.nobody_answers()
    for _ in range(3):
        work(scene)
    left = [row for row in scene.rows() if row.state == "LeftOut"]
    assert [(row.target_name, row.action_name) for row in left] == [(ill, "Look"), (away, "Look")]
    assert "did not take the command" in left[1].error_message
    assert [run.execution.target_name for run in scene.runs()] == [good]
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS
    assert scene.task.has_warnings_or_errors
    after = {row.target_name: row.state for row in scene.rows() if row.action_name == "After"}
    assert after == {good: "Succeeded", ill: "Skipped", away: "Skipped"}
    assert Machine.objects.in_space(scene.deployment.space).count() == 3


@db
def test_in_a_rolling_step_each_target_is_checked_in_its_turn() -> None:
    scene = make_scene(health_step("1", **WARN), script_step("After", roles="web"), machines=2)
    for number, name in enumerate(names(scene), start=1):
        work(scene)
        health = checks(scene)
        assert len(health) == number
        health[-1].end(name, 1 if number == 1 else 0)
        health[-1].advance()
    work(scene)
    assert [run.execution.target_name for run in scene.runs()] == [names(scene)[1]]


def newcomer(scene: Scene, name: str, role: str = "web", **fields: Any) -> Machine:
    machine = make_machine(scene.environment, name=name, roles=(role,))
    make_agent(machine)
    for field, value in fields.items():
        setattr(machine, field, value)
    machine.save()
    return machine


@db
def test_new_targets_that_are_in_order_take_part_in_the_rest() -> None:
    """Only in what stands behind the step, and only those with its tags."""
    scene = make_scene(
        script_step("Before", roles="web"),
        health_step(**INCLUDE, **WARN),
        script_step("After", roles="web"),
        script_step("Also", roles="fresh"),
    )
    (old,) = names(scene)
    good = newcomer(scene, "good")
    good.roles = ["web", "fresh"]
    good.save()
    newcomer(scene, "ill")
    newcomer(scene, "other", "db")
    newcomer(scene, "disabled", is_disabled=True)
    scene.run_to_end()
    work(scene)
    (health,) = checks(scene)
    assert set(health.runs()) == {old, "good", "ill"}
    health.end(old)
    health.end("good")
    health.end("ill", 1)
    health.advance()
    newcomer(scene, "later")
    work(scene)
    after = scene.runs()
    assert {run.execution.target_name for run in after} == {old, "good"}
    key = "Octopus.Environment.MachinesInRole[fresh]"
    assert {scene.variables(run)[key] for run in after} == {good.public_id}
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS
    ran = {(row.action_name, row.target_name) for row in scene.rows() if row.exit_code == 0}
    assert ran == {("Before", old), ("After", old), ("After", "good"), ("Also", "good")}


@db
def test_the_first_targets_may_be_new_ones() -> None:
    scene = make_scene(
        script_step("Make them", roles="db"),
        health_step(**INCLUDE),
        script_step("After", roles="web"),
        roles=("db",),
    )
    scene.run_to_end()
    newcomer(scene, "first")
    for _ in range(2):
        work(scene)
    (health,) = checks(scene)
    health.end("first")
    health.advance()
    work(scene)
    assert [run.execution.target_name for run in scene.runs()] == ["first"]
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS


@db
def test_a_new_target_that_is_not_in_order_fails_the_deployment() -> None:
    scene = make_scene(health_step(**INCLUDE), script_step("After", roles="web"))
    newcomer(scene, "ill")
    work(scene)
    (health,) = checks(scene)
    health.end(names(scene)[0])
    health.end("ill", 1)
    health.advance()
    work(scene)
    assert scene.state() == TaskState.FAILED
    assert scene.rows()[0].error_message == "1 of 2 targets failed the health check: ill."


@db
def test_nobody_new_changes_nothing() -> None:
    scene = make_scene(health_step(**INCLUDE), script_step("After", roles="web"))
    work(scene)
    (health,) = checks(scene)
    health.end(names(scene)[0])
    health.advance()
    work(scene)
    assert [run.execution.target_name for run in scene.runs()] == names(scene)


@db
def test_a_rolling_step_takes_nobody_in() -> None:
    scene = make_scene(health_step("1", **INCLUDE), machines=1)
    work(scene)
    assert scene.state() == TaskState.FAILED
    assert "rolling step" in scene.rows()[0].error_message


@db
def test_a_connection_test_runs_no_script_of_a_policy() -> None:
    body = {"RunType": "Inline", "ScriptBody": "exit 1"}
    make_policy({"MachineHealthCheckPolicy": {"BashHealthCheckPolicy": body}})
    scene = make_scene(health_step(Type="ConnectionTest"))
    work(scene)
    (health,) = checks(scene)
    assert "exit 1" not in str(scene.spec(health.runs()[names(scene)[0]]))


@db
def test_a_machine_that_is_gone_when_the_check_starts_failed_it() -> None:
    scene = make_scene(health_step(), machines=1)
    work(scene)
    machine = scene.machines[0]
    machine.is_disabled = True
    machine.save()
    checks(scene)
    work(scene)
    assert scene.state() == TaskState.FAILED
    assert machine.name in scene.rows()[0].error_message


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Type", "Guess", "type of a health check"),
        ("ErrorHandling", "Panic", "error handling"),
        ("IncludeMachinesInDeployment", "Everything", "What becomes of new targets"),
        ("IncludeMachinesInDeployment", "IncludeCheckedMachines", ""),
        ("Type", "ConnectionTest", ""),
        ("IncludeMachinesInDeployment", "DoNotAlterMachines", ""),
    ],
)
def test_settings_that_are_refused(name: str, value: str, words: str) -> None:
    variables = Variables()
    variables.set(f"{PREFIX}.{name}", value)
    problem = check(variables)
    assert words in problem
    assert bool(problem) == bool(words)
