"""Deploy a Release: the child that is chosen, begun once, followed to its end and told apart."""

from dataclasses import replace
from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.execution.models import OutputVariable
from deployments.execution.services import sweep
from deployments.execution.services.interruptions import submit
from deployments.execution.services.server_actions import run, run_server_action
from deployments.execution.steps import find_step_type
from deployments.execution.steps.deploy_release.settings import Passed, Wrong, passed_variables
from deployments.execution.variables import Variables
from deployments.library.services import VariableInput
from deployments.releases.models import Deployment, ReleaseSelectedPackage
from deployments.releases.selection import PackageSpec
from deployments.server_tasks.models import ServerNode, ServerTask
from deployments.server_tasks.services import cancel_task, schedule
from deployments.server_tasks.states import TaskState
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana
from tests.factories.children import STEP, World, child_step
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_process,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.execution import NODE, Scene
from tests.factories.people import SYSTEM, as_person, give_role, make_user
from tests.support.portal import Visitor, text_of

db = pytest.mark.django_db
ASK = {
    "Name": "Approve",
    "Actions": [{"Name": "Approve", "ActionType": "Octopus.Manual", "Properties": {}}],
}


@db
def test_the_parent_waits_for_the_end_of_its_child() -> None:
    world = World()
    after = script_step("After", roles="web")
    scene = world.parent(after)
    (child,) = world.children(scene)
    assert child.deployment.release == world.child_release
    assert child.task.arguments["ParentTaskId"] == scene.task.public_id
    assert [state for *_, state in scene.states()] == ["Running"]
    for _ in range(3):
        world.work(scene)
    assert len(world.children(scene)) == 1
    child.begin()
    world.work(scene)
    assert scene.state() == TaskState.EXECUTING
    child.run_to_end()
    world.work(scene)
    assert [state for *_, state in scene.states()] == ["Succeeded", "Pending"]
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS


@db
def test_a_child_that_fails_fails_the_step_and_its_outputs_are_there() -> None:
    world = World()
    after = {**script_step("After", roles="web"), "Condition": "Always"}
    scene = world.parent(after)
    (child,) = world.children(scene)
    child.begin()
    (run,) = child.runs()
    child.output(run, "Url", "http://x")
    child.output(run, "Key", "very secret", sensitive=True)
    child.finish(run, exit_code=3)
    child.advance()
    world.work(scene)
    error = scene.rows()[0].error_message
    assert error.startswith(f"The deployment {child.task.public_id} failed. The step 'Hello'")
    values = scene.variables(scene.runs()[0])
    for machine in ("", "[web-1]"):
        prefix = f"Octopus.Action[{STEP}].Output.Deployment[Hello]{machine}"
        assert values[f"{prefix}.Url"] == "http://x"
        assert values[f"{prefix}.Key"] == "very secret"
    assert "very secret" in scene.spec(scene.runs()[0])["mask"]
    rows = OutputVariable.objects.in_space(default_space()).filter(task=scene.task)
    assert all(row.value == "" for row in rows if row.name.endswith("Key"))


@db
def test_the_step_begins_once_whatever_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    scene = world.parent(begin=False)
    scene.begin()
    (row,) = scene.rows()
    step = find_step_type("Octopus.DeployRelease")
    assert step is not None
    assert step.begin is not None

    class Killed(BaseException):
        pass

    def dies(action: Any) -> str:
        step.begin(action)  # type: ignore[misc]  # this step has one
        raise Killed

    find = "find_step_type"
    with monkeypatch.context() as patch:
        patch.setattr(run, find, lambda _: replace(step, begin=dies))
        with pytest.raises(Killed):
            run_server_action(row.pk, clock=world.clock)
    assert scene.rows()[0].state == "Pending"
    assert Deployment.objects.in_space(default_space()).count() == 1
    run_server_action(row.pk, clock=world.clock)
    run_server_action(row.pk, clock=world.clock)
    assert Deployment.objects.in_space(default_space()).count() == 2


@db
def test_the_sweep_finds_what_nobody_was_woken_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(sweep, "wake_now", lambda *message: sent.append(message))
    world = World()
    scene = world.parent(begin=False)
    scene.begin()
    (row,) = scene.rows()
    look = ("execution.run_server_action", row.pk)
    world.clock.forward(2.1)
    sweep.sweep(clock=world.clock)
    assert look in sent
    run_server_action(row.pk, clock=world.clock)
    sent.clear()
    sweep.sweep(clock=world.clock)
    assert look not in sent
    (child,) = world.children(scene)
    cancel_task(actor=SYSTEM, task=child.task, clock=world.clock)
    child.advance()
    sweep.sweep(clock=world.clock)
    assert look in sent
    world.work(scene)
    assert scene.rows()[0].state == "Failed"
    assert "ended as Canceled" in scene.rows()[0].error_message


@db
def test_canceling_the_parent_lets_the_child_go_on() -> None:
    world = World()
    scene = world.parent()
    (child,) = world.children(scene)
    child.begin()
    cancel_task(actor=SYSTEM, task=scene.task, clock=world.clock)
    scene.advance()
    assert scene.state() == TaskState.CANCELED
    text = f"It was canceled; {child.task.public_id} goes on."
    assert scene.rows()[0].error_message == text
    child.run_to_end()
    world.work(scene)
    assert child.state() == TaskState.SUCCESS
    assert scene.rows()[0].state == "Canceled"


@db
def test_a_child_needs_no_slot_of_its_own() -> None:
    world = World()
    scene = world.parent()
    ServerNode.objects.update(task_cap=1)
    (child,) = world.children(scene)
    schedule(node_name=NODE, clock=world.clock)
    assert child.state() == TaskState.EXECUTING


@db
@pytest.mark.parametrize(
    ("condition", "chosen", "deploys"),
    [
        ("Always", "1.0.0", True),
        ("IfNotCurrentVersion", "1.0.0", False),
        ("IfNotCurrentVersion", "0.9.0", True),
        ("IfNewer", "1.0.0", False),
        ("IfNewer", "0.9.0", False),
        ("IfNewer", "1.0.1", True),
    ],
)
def test_whether_it_is_deployed_again(condition: str, chosen: str, deploys: bool) -> None:
    world = World()
    make_deployment(world.child_release, world.place, state="Success")
    if chosen != "1.0.0":
        make_release(world.child, chosen)
    scene = world.parent(DeploymentCondition=condition)
    assert bool(world.children(scene)) == deploys
    if not deploys:
        assert scene.state() == TaskState.SUCCESS


@db
def test_the_release_made_last_is_chosen_within_the_rules_or_the_one_named() -> None:
    world = World()
    make_release(world.child, "2.0.0-beta")
    make_release(world.child, "0.5.0")
    parent = make_project(lifecycle=world.life, steps=[child_step(world.child)])

    def chosen(**fields: Any) -> str:
        release = make_release(parent, **fields)
        (row,) = ReleaseSelectedPackage.objects.filter(release=release)
        assert (row.feed_id, row.package_id) == ("feeds-projects", world.child.public_id)
        return row.version

    assert chosen() == "0.5.0"
    assert chosen(package_version="7.7.7") == "0.5.0"
    assert chosen(selected_packages=[PackageSpec("", STEP, "1.0.0")]) == "1.0.0"
    with pytest.raises(Invalid, match=r"has no release '9\.9\.9'"):
        chosen(selected_packages=[PackageSpec("", STEP, "9.9.9")])
    empty = make_project("Empty", lifecycle=world.life)
    lacking = make_project(lifecycle=world.life, steps=[child_step(empty)])
    with pytest.raises(Invalid, match=r"'Empty', of which the step .* Create one first"):
        make_release(lacking)


@db
def test_variables_that_are_passed_overrule_all_others() -> None:
    world = World()
    make_variables(
        world.child,
        VariableInput(name="Greeting", value="child"),
        VariableInput(
            name="Greeting", value="scoped", scope={"Machine": [world.machines[0].public_id]}
        ),
        VariableInput(name="Asked", value="", prompt={"label": "Asked", "required": True}),
    )
    make_release(world.child, "1.1.0")
    step = child_step(
        world.child, Variables="Greeting = #{Word} there\nAsked = yes\nKey = <#{Secret}>"
    )
    project = make_project(lifecycle=world.life, steps=[step])
    make_variables(
        project,
        VariableInput(name="Word", value="hello\nAsked = no"),
        VariableInput(name="Secret", value="s3cret!", is_sensitive=True),
    )
    scene = world.deploy(project)
    (child,) = world.children(scene)
    assert "s3cret!" not in str(child.deployment.options)
    child.begin()
    (run,) = child.runs()
    values = child.variables(run)
    assert values["Greeting"] == "hello\nAsked = no there"
    assert (values["Asked"], values["Key"]) == ("yes", "<s3cret!>")
    assert child.spec(run)["mask"] == ["<s3cret!>"]


def test_what_is_passed_is_read_in_two_forms() -> None:
    variables = Variables()
    variables.set("Who", "you")
    variables.set("Key", "top secret", sensitive=True)
    lines = "A = 1\n\n B=#{Who} = x \nC ="
    found = [Passed("A", "1"), Passed("B", "you = x"), Passed("C", "")]
    assert passed_variables(lines, variables) == found
    document = '{"A": "#{Key}", "B": null}'
    assert passed_variables(document, variables) == [
        Passed("A", "top secret", is_sensitive=True),
        Passed("B", ""),
    ]
    for wrong in ("A", "= 1", '{"A": '):
        with pytest.raises(Wrong):
            passed_variables(wrong, variables)


@db
def test_the_one_who_deploys_needs_the_right_over_both() -> None:
    world = World()
    project = make_project(lifecycle=world.life, steps=[child_step(world.child)])
    release = make_release(project)
    emma = as_person(make_user("emma"))
    give_role(
        emma.user,
        "userroles-projectdeployer",
        default_space(),
        {"project": [project.public_id]},
    )
    body = {"ReleaseId": release.public_id, "EnvironmentId": world.place.public_id}
    status, sent = send(emma, "post", f"{S}/deployments", body)
    assert status == 201
    row = Deployment.objects.in_space(default_space()).get(
        pk=int(sent["Id"].removeprefix("Deployments-"))
    )
    scene = Scene(row, world.place, world.machines, world.clock)
    scene.begin()
    world.work(scene)
    assert scene.state() == TaskState.FAILED
    assert "Missing permission: DeploymentCreate" in scene.rows()[0].error_message


@db
def test_a_release_that_may_not_go_there_fails_the_step() -> None:
    world = World()
    first = make_environment()
    strict = make_lifecycle(first, world.place)
    world.child.lifecycle = strict
    world.child.save()
    scene = world.parent()
    assert scene.state() == TaskState.FAILED
    assert "it must first be deployed" in scene.rows()[0].error_message


@db
def test_a_circle_is_refused() -> None:
    world = World()
    other = make_project("Other", lifecycle=world.life, steps=[child_step(world.child)])
    make_release(other, "1.0.0")
    make_process(world.child, child_step(other, "Back"))
    make_release(world.child, "2.0.0")
    scene = world.deploy(other)
    assert scene.state() == TaskState.FAILED
    assert "form a circle" in scene.rows()[0].error_message
    make_process(world.child, child_step(world.child, "Itself"))
    make_release(world.child, "3.0.0")
    itself = world.deploy(world.child)
    assert "form a circle" in itself.rows()[0].error_message
    assert Deployment.objects.in_space(default_space()).count() == 2


@db
def test_in_a_rolling_step_each_target_has_its_own_child_and_its_own_answers() -> None:
    world = World(ASK, script_step("Hello", roles="web"), machines=2)
    step = child_step(world.child, roles="web")
    step["Properties"]["Octopus.Action.MaxParallelism"] = "1"
    scene = world.deploy(make_project(lifecycle=world.life, steps=[step]))
    for number in (1, 2):
        child = world.children(scene)[-1]
        assert len(world.children(scene)) == number
        assert child.deployment.options["specific_machines"] == [
            world.machines[number - 1].public_id
        ]
        child.begin()
        question = child.task.interruptions.in_space(default_space()).get()
        assert question.is_pending
        world.work(scene)
        assert scene.rows()[-1].state == "Running"
        submit(actor=SYSTEM, interruption=question, result="Proceed", clock=world.clock)
        schedule(node_name=NODE, clock=world.clock)
        child.advance()
        child.run_to_end()
        assert child.state() == TaskState.SUCCESS
        world.work(scene)
    assert scene.state() == TaskState.SUCCESS


@db
def test_the_pages_show_parent_and_child_and_where_a_person_is_waited_for() -> None:
    world = World(ASK)
    scene = world.parent()
    (child,) = world.children(scene)
    child.begin()
    ana = Visitor(make_ana())
    page = ana.get(f"tasks/{scene.task.public_id}")
    assert "Tasks that it waits for Deploy Child release 1.0.0" in text_of(page)
    assert "Waiting for a person there" in text_of(page)
    assert f'/tasks/{child.task.public_id}"' in page.content.decode()
    below = ana.get(f"tasks/{child.task.public_id}")
    assert f"Part of {scene.task.description}" in text_of(below)


@db
def test_the_portal_edits_the_step_and_chooses_the_release() -> None:
    world = World()
    project = make_project("Parent", lifecycle=world.life)
    ana = Visitor(make_ana())
    base = f"projects/{project.public_id}"
    form = ana.get(f"{base}/process", {"type": "Octopus.DeployRelease"})
    assert "Choose a project Child" in text_of(form)
    prefix = "prop:Octopus.Action.DeployRelease"
    sent = {"type": "Octopus.DeployRelease", "name": STEP, "version": "1"}
    refused = ana.post(f"{base}/process/save", sent)
    assert "Project is required." in text_of(refused)
    page = form.content.decode()
    version = page.partition('name="version" value="')[2].partition('"')[0]
    fields = {
        **sent,
        "version": version,
        f"{prefix}.ProjectId": world.child.public_id,
        f"{prefix}.DeploymentCondition": "IfNewer",
        f"{prefix}.Variables": "A = 1",
    }
    assert ana.post(f"{base}/process/save", fields).status_code == 302
    create = ana.get(f"{base}/releases/create")
    assert "Release of Child" in text_of(create)
    assert "1.0.0 (made last)" in text_of(create)
    made = ana.post(
        f"{base}/releases/create", {"version": "5.0.0", "package:0": "1.0.0", "channel": "default"}
    )
    assert made.status_code == 302
    release = text_of(ana.get(f"{base}/releases/5.0.0"))
    assert "Release of Child 1.0.0" in release
    assert ServerTask.objects.in_space(default_space()).count() == 0
