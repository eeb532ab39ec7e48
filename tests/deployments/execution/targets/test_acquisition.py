"""Packages before the steps, and who takes part: real rows, real messages, no agent."""

from typing import Any

import pytest

from deployments.execution.logs.queries import task_lines
from deployments.execution.models import Interruption
from deployments.execution.services.interruptions import submit
from deployments.execution.services.sweep import expire_commands
from deployments.infrastructure.models import AgentSession, Machine, Worker, WorkerPool
from deployments.infrastructure.models.machine import HealthStatus
from deployments.infrastructure.services.workers import WorkerInput, create_worker
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.releases.models import Deployment
from deployments.server_tasks.services import cancel_task
from deployments.server_tasks.states import TaskState
from packages_feed.models import PackageVersion
from tests.factories.domain import make_package, package_step, script_step
from tests.factories.execution import Scene, make_agent, make_scene
from tests.factories.people import SYSTEM, make_ana
from tests.factories.spaces import default_space
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def with_package(step: dict[str, Any], package_id: str = "Acme.Web") -> dict[str, Any]:
    package = {"Name": "tools", "PackageId": package_id, "FeedId": "feeds-builtin"}
    step["Actions"][0]["Packages"] = [package]
    return step


def lenient(scene: Scene) -> None:
    """Let the project leave out targets that are not available."""
    policy = {"SkipMachineBehavior": "SkipUnavailableMachines"}
    rows = Project.objects.in_space(default_space()).filter(pk=scene.deployment.project_id)
    rows.update(settings={"ConnectivityPolicy": policy})


def leave(*machines: Machine) -> None:
    agents = [machine.agent_id for machine in machines]
    AgentSession.objects.filter(agent__in=agents).update(disconnected="2026-01-01T00:00Z")


def texts(scene: Scene) -> str:
    return "\n".join(line.text for line in task_lines(scene.task))


def test_each_agent_gets_every_package_once_and_nothing_else() -> None:
    make_package("Acme.Web", "1.0.0")
    make_package("Acme.Tools", "2.0.0")
    scene = make_scene(
        script_step("First", roles="web"),
        package_step("Acme.Web", "Deploy"),
        with_package(script_step("After", roles="web"), "Acme.Tools"),
        with_package(script_step("Again", roles="web"), "Acme.Web"),
        machines=2,
        variables=lambda _machines: [VariableInput("Secret", "hidden-value", is_sensitive=True)],
    )
    assert {run.header["kind"] for run in scene.runs()} == {"script"}
    scene.finish(*scene.runs())
    scene.advance()
    runs = scene.runs()
    assert [run.header["kind"] for run in runs] == ["acquire", "acquire"]
    spec = scene.spec(runs[0])
    assert sorted(p["package_id"] for p in spec["packages"]) == ["Acme.Tools", "Acme.Web"]
    assert (spec["variables"], spec["mask"]) == ([], [])
    assert runs[0].header["isolation"] == {"name": "beside", "mode": "shared"}
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS
    names = [name for name, _, _ in scene.states()]
    expected = ["First", "First", *["Acquire packages"] * 2, *["Deploy"] * 2]
    assert names[:6] == expected
    page = text_of(Visitor(make_ana()).get(f"tasks/{scene.task.public_id}"))
    assert "Acquire packages" in page


@pytest.mark.parametrize("is_forced", [True, False])
def test_packages_are_sent_again_where_that_is_asked_for(is_forced: bool) -> None:
    make_package("Acme.Web", "1.0.0")
    scene = make_scene(package_step("Acme.Web"), force_package_download=is_forced)
    acquire = scene.runs()
    assert [package.get("fresh") for package in scene.spec(acquire[0])["packages"]] == [
        True if is_forced else None
    ]
    scene.finish(*acquire)
    scene.advance()
    deploy = scene.runs()
    assert [run.header["kind"] for run in deploy] == ["deploy_package"]
    assert ["fresh" in package for package in scene.spec(deploy[0])["packages"]] == [False]


def test_a_package_that_is_gone_fails_before_anything_is_deployed() -> None:
    make_package("Acme.Web", "1.0.0")
    scene = make_scene(package_step("Acme.Web"), begin=False)
    PackageVersion.objects.in_space(default_space()).delete()
    scene.begin()
    assert scene.state() == TaskState.FAILED
    assert [(name, state) for name, _, state in scene.states()] == [
        ("Acquire packages", "Failed"),
        ("Deploy", "Skipped"),
    ]
    assert "is not in the built-in feed" in scene.rows()[0].error_message


def test_a_target_that_is_away_is_left_out_of_all_that_follows() -> None:
    scene = make_scene(
        script_step("One", roles="web"), script_step("Two", roles="web"), machines=2, begin=False
    )
    lenient(scene)
    leave(scene.machines[0])
    scene.begin()
    away, there = (machine.name for machine in scene.machines)
    assert scene.states() == [("One", away, "LeftOut"), ("One", there, "Pending")]
    # It is out for good, even when it comes back.
    AgentSession.objects.update(disconnected=None)
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS
    assert ("Two", away, "Skipped") in scene.states()
    assert f"{away}: Its Tentacle is not connected" in texts(scene)
    scene.deployment.refresh_from_db()
    assert scene.deployment.deployed_machines == [scene.machines[1].public_id]
    page = text_of(Visitor(make_ana()).get(f"tasks/{scene.task.public_id}"))
    assert "Left out" in page


def test_one_that_leaves_while_its_command_waits_is_left_out_soon() -> None:
    scene = make_scene(script_step("One", roles="web"), machines=2, begin=False)
    lenient(scene)
    scene.begin()
    first, second = scene.runs()
    leave(scene.machines[0])
    scene.clock.forward(40)
    AgentSession.objects.filter(agent=second.agent_id).update(last_seen=scene.clock())
    assert expire_commands(now=scene.clock()) == 1
    scene.advance()
    assert [state for _, _, state in scene.states()] == ["LeftOut", "Pending"]
    scene.finish(second)
    scene.advance()
    assert scene.state() == TaskState.SUCCESS
    assert first.execution.target_name in texts(scene)


def test_without_the_setting_a_target_that_is_away_is_waited_for_and_fails_the_deployment() -> None:
    scene = make_scene(script_step("One", roles="web"), connected=False)
    scene.clock.forward(599)
    assert expire_commands(now=scene.clock()) == 0
    scene.clock.forward(2)
    assert expire_commands(now=scene.clock()) == 1
    scene.advance()
    assert scene.state() == TaskState.FAILED


def test_what_the_plan_left_out_is_named_in_the_log() -> None:
    scene = make_scene(script_step("One", roles="web"), machines=2, begin=False)
    lenient(scene)
    rows = Machine.objects.in_space(default_space()).filter(pk=scene.machines[0].pk)
    rows.update(health_status=HealthStatus.UNAVAILABLE)
    leave(scene.machines[0])
    scene.begin()
    assert f"{scene.machines[0].name} is left out. The target is not available." in texts(scene)


def test_targets_that_are_gone_at_the_start_end_the_task() -> None:
    scene = make_scene(script_step("One", roles="web"), begin=False)
    Machine.objects.in_space(default_space()).update(is_disabled=True)
    scene.begin()
    assert scene.state() == TaskState.FAILED
    assert scene.task.error_message.startswith("The deployment has no target any more.")


def make_pool_worker() -> Worker:
    space = default_space()
    pool = WorkerPool.objects.in_space(space).get(is_default=True)
    worker = create_worker(actor=SYSTEM, space=space, worker=WorkerInput(name="w1", pools=[pool]))
    make_agent(worker)
    return worker


def on_worker(name: str) -> dict[str, Any]:
    step = script_step(name)
    step["Properties"] = {"Octopus.Action.TargetRoles": "web"}
    return step


def test_workers_need_no_turn() -> None:
    worker = make_pool_worker()
    scene = make_scene(on_worker("On behalf"), machines=3)
    runs = scene.runs()
    assert {run.agent_id for run in runs} == {worker.agent_id}
    assert [run.header["isolation"] for run in runs] == [{"name": "beside", "mode": "shared"}] * 3


def test_a_cap_holds_for_a_package_on_a_worker() -> None:
    make_pool_worker()
    make_package("Acme.Web", "1.0.0")
    scene = make_scene(
        with_package(on_worker("On behalf")),
        machines=3,
        variables=lambda _m: [VariableInput("Octopus.Deployment.WorkerLeaseCap", "2")],
    )
    scene.finish(*scene.runs())  # the package
    scene.advance()
    first, second = scene.runs()
    scene.accept(first, second)
    scene.finish(first)
    scene.advance()
    assert len(scene.runs()) == 2
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS


def test_an_ignored_failure_is_no_error_of_the_deployment() -> None:
    scene = make_scene(
        script_step("One", roles="web"), script_step("Two", roles="web"), use_guided_failure=True
    )
    scene.finish(*scene.runs(), exit_code=1)
    scene.advance()
    question = Interruption.objects.in_space(default_space()).get()
    submit(actor=make_ana().actor, interruption=question, result="Ignore", notes="")
    scene.advance()
    values = scene.variables(scene.runs()[0])
    assert "Octopus.Deployment.Error" not in values
    assert values["Octopus.Step[One].Status.Code"] == "Succeeded"


def test_targets_are_chosen_by_tag() -> None:
    scene = make_scene(script_step("One", roles="web"), machines=2, begin=False)
    rows = Machine.objects.in_space(default_space())
    rows.filter(pk=scene.machines[0].pk).update(roles=["web", "blue"])
    ana = make_ana()
    body = {
        "ReleaseId": scene.deployment.release.public_id,
        "EnvironmentId": scene.environment.public_id,
        "SpecificTargetTagIds": ["Blue"],
    }
    answer = ana.api.post("/api/Spaces-1/deployments", body, content_type="application/json")
    assert (answer.status_code, answer.json()["SpecificTargetTagIds"]) == (201, ["Blue"])
    cancel_task(actor=SYSTEM, task=scene.task)
    number = int(answer.json()["Id"].rpartition("-")[2])
    chosen = Deployment.objects.in_space(default_space()).get(pk=number)
    only = Scene(chosen, scene.environment, scene.machines, scene.clock)
    only.begin()
    assert [target for _, target, _ in only.states()] == [scene.machines[0].name]
    body |= {"ExcludedMachineIds": [scene.machines[1].public_id]}
    answer = ana.api.post("/api/Spaces-1/deployments", body, content_type="application/json")
    assert (answer.status_code, "not both" in str(answer.json())) == (400, True)
    body = {**body, "SpecificTargetTagIds": ["nobody"], "ExcludedMachineIds": []}
    answer = ana.api.post("/api/Spaces-1/deployments", body, content_type="application/json")
    assert (answer.status_code, "no deployment targets" in str(answer.json())) == (400, True)
