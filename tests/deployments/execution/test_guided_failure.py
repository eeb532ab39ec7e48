"""Guided failure: people are asked about each failure, and the deployment does as they say."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.errors import Conflict, Invalid, NotPermitted
from deployments.execution.models import Interruption
from deployments.execution.services.interruptions import submit
from deployments.infrastructure.services.environments import update_environment
from deployments.server_tasks.services import cancel_task, schedule
from deployments.server_tasks.states import TaskState
from tests.deployments.calls import S, send
from tests.factories.domain import make_deployment, script_step
from tests.factories.execution import NODE, Scene, make_scene
from tests.factories.people import SYSTEM, make_ana, make_ben, make_cleo
from tests.factories.spaces import default_space
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def failing(*steps: dict[str, Any], machines: int = 1, **options: Any) -> Scene:
    """Return a deployment whose first step has failed on its first target."""
    wanted = steps or (script_step("Install", roles="web"), script_step("After", roles="web"))
    scene = make_scene(*wanted, machines=machines, use_guided_failure=True, **options)
    fail(scene)
    return scene


def fail(scene: Scene) -> None:
    """Let the first run fail and what else runs succeed."""
    run, *others = scene.runs()
    scene.accept(run, *others)
    scene.start(run, *others)
    scene.finish(run, exit_code=1)
    if others:
        scene.finish(*others)
    scene.advance()


def questions(scene: Scene) -> list[Interruption]:
    rows = Interruption.objects.in_space(default_space()).filter(task=scene.task)
    return list(rows.select_related("execution", "task").order_by("pk"))


def answer(scene: Scene, result: str) -> None:
    submit(actor=SYSTEM, interruption=questions(scene)[-1], result=result, clock=scene.clock)
    scene.advance()


def test_a_failure_is_asked_about_and_keeps_the_slot_and_the_tag() -> None:
    scene = failing()
    (row,) = questions(scene)
    assert (row.kind, row.is_pending) == ("GuidedFailure", True)
    assert row.title == f"Install failed on {scene.machines[0].name}"
    assert row.instructions == "The script ended with exit code 1."
    assert row.choices == ["Retry", "Ignore", "Exclude", "Fail"]
    assert scene.state() == TaskState.EXECUTING
    assert scene.task.has_pending_interruptions
    scene.advance()
    assert len(questions(scene)) == 1
    make_deployment(scene.deployment.release, scene.environment)
    assert schedule(node_name=NODE, clock=scene.clock) == []


def test_retry_runs_it_again_and_asks_again_when_it_fails_again() -> None:
    scene = failing()
    answer(scene, "Retry")
    assert not scene.task.has_pending_interruptions
    assert [(row.attempt, row.state) for row in scene.rows()] == [(1, "Failed"), (2, "Pending")]
    fail(scene)
    assert [row.is_pending for row in questions(scene)] == [False, True]
    answer(scene, "Retry")
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS


def test_ignore_goes_on_and_the_deployment_succeeds_with_warnings() -> None:
    scene = failing()
    answer(scene, "Ignore")
    scene.run_to_end()
    assert [row.state for row in scene.rows()] == ["Failed", "Succeeded"]
    assert scene.state() == TaskState.SUCCESS
    assert scene.task.has_warnings_or_errors


def test_exclude_leaves_the_machine_out_of_what_follows() -> None:
    scene = failing(machines=2)
    assert scene.runs() == []  # the next step waits for the answer
    answer(scene, "Exclude")
    scene.run_to_end()
    first, second = (machine.name for machine in scene.machines)
    after = {row.target_name: row for row in scene.rows() if row.action_name == "After"}
    assert after[first].state == "Skipped"
    assert after[first].error_message == "The machine was excluded from the deployment."
    assert after[second].state == "Succeeded"
    assert scene.state() == TaskState.SUCCESS


def test_exclude_answers_what_else_failed_on_the_machine() -> None:
    beside = {**script_step("Beside", roles="web"), "StartTrigger": "StartWithPrevious"}
    scene = make_scene(script_step("Install", roles="web"), beside, use_guided_failure=True)
    runs = scene.runs()
    scene.accept(*runs)
    scene.start(*runs)
    scene.finish(*runs, exit_code=1)
    scene.advance()
    assert [row.is_pending for row in questions(scene)] == [True, True]
    answer(scene, "Exclude")
    assert [row.is_pending for row in questions(scene)] == [False, False]
    assert not scene.task.has_pending_interruptions
    assert scene.state() == TaskState.SUCCESS


def test_fail_is_an_ordinary_failure() -> None:
    scene = failing()
    answer(scene, "Fail")
    assert [row.state for row in scene.rows()] == ["Failed", "Skipped"]
    assert scene.state() == TaskState.FAILED


def test_an_intervention_that_was_aborted_is_not_asked_about() -> None:
    approve = {"Name": "Approve", "Actions": [{"Name": "Approve", "ActionType": "Octopus.Manual"}]}
    after = script_step("After", roles="web")
    scene = make_scene(approve, after, use_guided_failure=True)
    answer(scene, "Abort")
    scene.begin()
    assert [row.kind for row in questions(scene)] == ["ManualIntervention"]
    assert [row.state for row in scene.rows()] == ["Failed", "Skipped"]
    assert scene.state() == TaskState.FAILED


def test_a_required_action_cannot_be_passed_over() -> None:
    step = script_step("Install", roles="web")
    step["Actions"][0]["IsRequired"] = True
    scene = failing(step)
    assert questions(scene)[0].choices == ["Retry", "Fail"]
    with pytest.raises(Invalid):
        submit(actor=SYSTEM, interruption=questions(scene)[0], result="Ignore")


def test_an_action_of_the_server_has_no_machine_to_exclude() -> None:
    mail = {
        "Name": "Mail",
        "Actions": [
            {
                "Name": "Mail",
                "ActionType": "Octopus.Email",
                "Properties": {"Octopus.Action.Email.Subject": "to nobody"},
            }
        ],
    }
    scene = make_scene(mail, use_guided_failure=True)
    assert questions(scene)[0].choices == ["Retry", "Ignore", "Fail"]
    answer(scene, "Ignore")
    assert scene.state() == TaskState.SUCCESS


def test_cancel_closes_the_question() -> None:
    scene = failing()
    cancel_task(actor=SYSTEM, task=scene.task)
    scene.advance()
    assert scene.state() == TaskState.CANCELED
    assert not questions(scene)[0].is_pending
    assert not scene.task.has_pending_interruptions
    with pytest.raises(Conflict):
        submit(actor=SYSTEM, interruption=questions(scene)[0], result="Retry")


def test_nothing_is_asked_unless_the_deployment_environment_or_project_says_so() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    fail(scene)
    assert scene.state() == TaskState.FAILED
    environment = scene.environment
    update_environment(
        actor=SYSTEM, environment=environment, name=environment.name, use_guided_failure=True
    )
    deployment = make_deployment(scene.deployment.release, environment)
    again = Scene(deployment, environment, scene.machines, scene.clock)
    again.begin()
    fail(again)
    assert questions(again)[0].is_pending
    answer(again, "Fail")
    deployment = make_deployment(scene.deployment.release, environment, use_guided_failure=False)
    without = Scene(deployment, environment, scene.machines, scene.clock)
    without.begin()
    fail(without)
    assert without.state() == TaskState.FAILED


def test_rest_shows_the_choices_and_takes_the_answer() -> None:
    scene = failing()
    ana = make_ana()
    _, page = send(ana, "get", f"{S}/interruptions?regarding={scene.task.public_id}")
    (item,) = page["Items"]
    assert item["Type"] == "GuidedFailure"
    buttons = item["Form"]["Elements"][2]["Control"]["Buttons"]
    assert [button["Value"] for button in buttons] == ["Retry", "Ignore", "Exclude", "Fail"]
    path = f"{S}/interruptions/{item['Id']}"
    assert send(ana, "put", f"{path}/responsible")[0] == 200
    assert send(ana, "post", f"{path}/submit", {"Result": "Proceed"})[0] == 400
    status, answered = send(ana, "post", f"{path}/submit", {"Result": "Ignore", "Notes": "known"})
    assert (status, answered["IsPending"]) == (200, False)


def test_who_may_not_submit_may_not_answer() -> None:
    scene = failing()
    cleo = make_cleo(default_space())
    with pytest.raises(NotPermitted):
        submit(actor=cleo.actor, interruption=questions(scene)[0], result="Retry")
    ben = make_ben(default_space(), scene.environment.public_id)
    submit(actor=ben.actor, interruption=questions(scene)[0], result="Retry")


def test_the_pages_ask_and_offer_it() -> None:
    scene = failing()
    ana = Visitor(make_ana())
    path = f"tasks/{scene.task.public_id}"
    (row,) = questions(scene)
    assert f"Install failed on {scene.machines[0].name}" in text_of(ana.get(path))
    ana.post(f"{path}/interruptions/{row.public_id}", {"answer": "take"})
    text = text_of(ana.get(path))
    assert "Retry Ignore the failure Exclude the machine Fail the deployment" in text
    ana.post(f"{path}/interruptions/{row.public_id}", {"answer": "Fail", "notes": "so be it"})
    scene.advance()
    assert scene.state() == TaskState.FAILED
    project, release = scene.deployment.project, scene.deployment.release
    deploy = f"projects/{project.slug}/releases/{release.version}/deploy"
    page = ana.get(f"{deploy}?environment={scene.environment.public_id}")
    assert "When an action fails" in text_of(page)


def test_the_number_of_queries_does_not_grow_with_the_failures() -> None:
    counts = []
    for machines in (1, 6):
        step = script_step("Install", roles="web")
        scene = make_scene(step, machines=machines, use_guided_failure=True)
        runs = scene.runs()
        scene.accept(*runs)
        scene.start(*runs)
        scene.finish(*runs, exit_code=1)
        with CaptureQueriesContext(connection) as queries:
            scene.advance()
        assert len(questions(scene)) == machines
        counts.append(len(queries))
    assert counts[0] == counts[1]
