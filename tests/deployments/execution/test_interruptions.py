"""Manual interventions: pausing, answering, who may answer, and what others can do meanwhile."""

from typing import Any

import pytest

from deployments.base.errors import Conflict, Invalid, NotPermitted
from deployments.execution.models import Interruption
from deployments.execution.services.interruptions import submit, take_responsibility
from deployments.server_tasks.services import cancel_task, schedule
from deployments.server_tasks.states import TaskState
from tests.factories.domain import make_deployment, script_step
from tests.factories.execution import NODE, Scene, make_scene
from tests.factories.people import (
    SYSTEM,
    as_person,
    give_role,
    make_ana,
    make_ben,
    make_cleo,
    make_user,
)
from tests.factories.spaces import default_space

pytestmark = pytest.mark.django_db


def manual_step(name: str = "Approve", **properties: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Actions": [
            {
                "Name": name,
                "ActionType": "Octopus.Manual",
                "Properties": {
                    "Octopus.Action.Manual.Instructions": "Look at #{Octopus.Environment.Name}",
                    **properties,
                },
            }
        ],
    }


def question(scene: Scene) -> Interruption:
    return Interruption.objects.in_space(scene.deployment.space).get(task=scene.task)


def test_the_task_pauses_frees_its_tag_and_goes_on_when_answered() -> None:
    scene = make_scene(manual_step(), script_step("After", roles="web"))
    assert scene.state() == TaskState.PAUSED
    assert scene.task.has_pending_interruptions
    row = question(scene)
    assert row.instructions == f"Look at {scene.environment.name}"
    other = make_deployment(scene.deployment.release, scene.environment)
    assert schedule(node_name=NODE, clock=scene.clock) == [other.task_id]
    ana = make_ana()
    take_responsibility(actor=ana.actor, interruption=row)
    submit(actor=ana.actor, interruption=row, result="Proceed", notes="fine", clock=scene.clock)
    scene.begin()
    assert scene.state() == TaskState.PAUSED
    answered = scene.task
    assert not answered.has_pending_interruptions
    cancel_task(actor=SYSTEM, task=other.task)
    Scene(other, scene.environment, [], scene.clock).advance()
    scene.begin()
    assert scene.state() == TaskState.EXECUTING
    values = scene.variables(scene.runs()[0])
    assert values["Octopus.Action[Approve].Output.Manual.Approved"] == "True"
    assert values["Octopus.Action[Approve].Output.Manual.Notes"] == "fine"
    assert values["Octopus.Action[Approve].Output.Manual.ResponsibleUser.Username"] == "ana"
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS


def test_abort_fails_the_step_and_later_steps_follow_their_conditions() -> None:
    always = {**script_step("Always", roles="web"), "Condition": "Always"}
    scene = make_scene(manual_step(), script_step("After", roles="web"), always)
    submit(
        actor=SYSTEM, interruption=question(scene), result="Abort", notes="no", clock=scene.clock
    )
    scene.begin()
    scene.run_to_end()
    assert [row.state for row in scene.rows()] == ["Failed", "Skipped", "Succeeded"]
    assert scene.state() == TaskState.FAILED


def test_a_blocking_intervention_keeps_the_tag() -> None:
    blocking = manual_step(**{"Octopus.Action.Manual.BlockConcurrentDeployments": "True"})
    scene = make_scene(blocking)
    assert scene.state() == TaskState.EXECUTING
    assert scene.task.has_pending_interruptions
    make_deployment(scene.deployment.release, scene.environment)
    assert schedule(node_name=NODE, clock=scene.clock) == []


def test_the_task_pauses_only_once_parallel_work_has_ended() -> None:
    beside = {**script_step("Beside", roles="web"), "StartTrigger": "StartWithPrevious"}
    scene = make_scene(manual_step(), beside)
    assert scene.state() == TaskState.EXECUTING
    scene.run_to_end()
    assert scene.state() == TaskState.PAUSED


def test_canceling_a_paused_task_ends_it() -> None:
    scene = make_scene(manual_step())
    cancel_task(actor=SYSTEM, task=scene.task)
    scene.advance()
    assert scene.state() == TaskState.CANCELED
    assert not question(scene).is_pending
    with pytest.raises(Conflict):
        submit(actor=SYSTEM, interruption=question(scene), result="Proceed")


def test_an_answer_counts_once_and_must_be_one_of_two() -> None:
    scene = make_scene(manual_step())
    row = question(scene)
    with pytest.raises(Invalid):
        submit(actor=SYSTEM, interruption=row, result="Maybe")
    submit(actor=SYSTEM, interruption=row, result="Proceed")
    with pytest.raises(Conflict):
        submit(actor=SYSTEM, interruption=row, result="Abort")
    scene.begin()
    assert scene.state() == TaskState.SUCCESS


def test_who_may_answer() -> None:
    scene = make_scene(manual_step())
    space = default_space()
    ben, cleo = make_ben(space, "Environments-999999999"), make_cleo(space)
    for person in (ben, cleo):
        with pytest.raises(NotPermitted):
            take_responsibility(actor=person.actor, interruption=question(scene))
    deployer = make_user("deployer")
    give_role(
        deployer,
        "userroles-projectdeployer",
        space,
        {"environment": [scene.environment.public_id]},
    )
    row = question(scene)
    take_responsibility(actor=as_person(deployer).actor, interruption=row)
    row.refresh_from_db()
    with pytest.raises(Invalid):
        submit(actor=make_ana().actor, interruption=row, result="Proceed")


def test_over_rest() -> None:
    scene = make_scene(manual_step())
    ana, cleo = make_ana(), make_cleo(default_space())
    listed = ana.api.get("/api/Spaces-1/interruptions?pendingOnly=true").json()["Items"]
    (item,) = listed
    assert item["TaskId"] == scene.task.public_id
    assert item["CanTakeResponsibility"]
    assert item["Form"]["Elements"][0]["Control"]["Text"].startswith("Look at")
    regarding = f"/api/interruptions?regarding={scene.deployment.public_id}"
    assert ana.api.get(regarding).json()["TotalResults"] == 1
    assert cleo.api.put(item["Links"]["Responsible"]).status_code == 403
    assert ana.api.put(item["Links"]["Responsible"]).json()["Username"] == "ana"
    answer = {"Instructions": None, "Notes": "ok", "Result": "Proceed"}
    path = item["Links"]["Submit"]
    assert cleo.api.post(path, answer, content_type="application/json").status_code == 403
    done = ana.api.post(path, answer, content_type="application/json")
    assert (done.status_code, done.json()["IsPending"]) == (200, False)
    again = ana.api.post(path, answer, content_type="application/json")
    assert again.status_code in {400, 409}
