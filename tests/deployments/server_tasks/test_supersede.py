"""A newer deployment makes older ones needless: in the queue, and where they wait for people."""

from typing import Any

import pytest

from deployments.base.models import Event
from deployments.projects.models import Project
from deployments.projects.queries import process_of, read_process
from deployments.releases.models import Deployment
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import cancel_task, move_to_top, schedule
from deployments.server_tasks.states import TaskState
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_process,
    make_project,
    make_release,
    script_step,
)
from tests.factories.execution import NODE, Scene, SettableClock, make_agent
from tests.factories.people import SYSTEM

pytestmark = pytest.mark.django_db


class Stage:
    """A project with one environment and a release after the other."""

    def __init__(self, *steps: dict[str, Any], **settings: Any) -> None:
        self.environment = make_environment()
        self.machine = make_machine(self.environment)
        make_agent(self.machine)
        lifecycle = make_lifecycle(self.environment)
        steps = steps or (script_step("One", roles="web"), script_step("Two", roles="web"))
        self.project: Project = make_project(lifecycle=lifecycle, steps=steps, settings=settings)
        self.number = 0

    def deploy(self, **options: Any) -> Deployment:
        self.number += 1
        release = make_release(self.project, f"1.0.{self.number}")
        return make_deployment(release, self.environment, **options)

    def states(self, *deployments: Deployment) -> list[str]:
        rows = ServerTask.objects.in_space(self.project.space)
        found = {row.pk: row.state for row in rows}
        return [found[deployment.task_id] for deployment in deployments]


def reason(deployment: Deployment) -> str:
    deployment.task.refresh_from_db()
    return deployment.task.error_message


def test_a_new_deployment_cancels_queued_ones_and_takes_the_earliest_place() -> None:
    stage, other = Stage(), Stage()
    running = stage.deploy()
    schedule(node_name=NODE)
    first, second = stage.deploy(), stage.deploy()
    between = other.deploy()
    third = stage.deploy()
    assert stage.states(running, first, second, third) == [
        "Executing",
        "Canceled",
        "Canceled",
        "Queued",
    ]
    assert reason(first) == f"Superseded by {second.task.public_id}."
    assert reason(second) == f"Superseded by {third.task.public_id}."
    third.task.refresh_from_db()
    assert third.task.queue_place == first.task_id
    assert third.task.queue_place < between.task_id
    events = Event.objects.filter(category="TaskCanceled", message__contains="superseded")
    assert events.count() == 2


def test_the_place_counts_when_slots_are_scarce() -> None:
    stage, other = Stage(), Stage()
    stage.deploy()
    regular = other.deploy()
    newer = stage.deploy()
    clock = SettableClock()
    schedule(node_name=NODE, clock=clock)
    started = ServerTask.objects.in_space(stage.project.space).filter(state="Executing")
    assert {newer.task_id, regular.task_id} == set(started.values_list("pk", flat=True))
    newer.task.refresh_from_db()
    assert newer.task.queue_place is not None
    assert newer.task.queue_place < regular.task_id


@pytest.mark.parametrize("partly", ["skip_actions", "specific_machines", "excluded_machines"])
def test_what_is_partial_neither_supersedes_nor_is_superseded(partly: str) -> None:
    stage = Stage()
    more = make_machine(stage.environment)
    make_agent(more)
    ids = {"skip_actions": stage_action(stage), "specific_machines": more.public_id}
    chosen = {partly: (ids.get(partly, more.public_id),)}
    oldest = stage.deploy()
    partial = stage.deploy(**chosen)
    newer = stage.deploy()
    newest = stage.deploy()
    # The newest is looked back from to the first partial one; what is older stays.
    assert stage.states(oldest, partial, newer, newest) == [
        "Queued",
        "Queued",
        "Canceled",
        "Queued",
    ]


def stage_action(stage: Stage) -> str:
    return next(action.id for _, action in read_process(process_of(stage.project)).actions())


def test_scheduled_ones_stay_out_of_it() -> None:
    stage, clock = Stage(), SettableClock()
    clock.forward(3600)
    tonight = stage.deploy(not_before=clock())
    now = stage.deploy()
    later = stage.deploy(not_before=clock())
    assert stage.states(tonight, now, later) == ["Queued", "Queued", "Queued"]


def test_a_project_may_keep_all_of_them() -> None:
    stage = Stage(CancelQueuedTasks=False)
    first, second = stage.deploy(), stage.deploy()
    assert stage.states(first, second) == ["Queued", "Queued"]


def test_the_top_is_inherited() -> None:
    stage = Stage()
    first = stage.deploy()
    move_to_top(actor=SYSTEM, task=first.task)
    second = stage.deploy()
    second.task.refresh_from_db()
    assert second.task.is_moved_to_top


def manual_step() -> dict[str, Any]:
    properties = {"Octopus.Action.Manual.Instructions": "Look"}
    action = {"Name": "Approve", "ActionType": "Octopus.Manual", "Properties": properties}
    return {"Name": "Approve", "Actions": [action]}


@pytest.mark.parametrize("wanted", [True, False])
def test_a_success_cancels_older_ones_that_wait_for_people(wanted: bool) -> None:
    stage = Stage(manual_step(), CancelRunningTasks=wanted)
    waiting = stage.deploy()
    old = Scene(waiting, stage.environment, [stage.machine], SettableClock())
    old.begin()
    assert old.state() == TaskState.PAUSED
    stage.project.refresh_from_db()
    make_process(stage.project, script_step(roles="web"))
    new = Scene(stage.deploy(), stage.environment, [stage.machine], SettableClock())
    new.begin()
    new.run_to_end()
    assert new.state() == TaskState.SUCCESS
    old.advance()
    if not wanted:
        assert old.state() == TaskState.PAUSED
        return
    assert old.state() == TaskState.CANCELED
    assert reason(waiting) == f"Superseded by {new.task.public_id}."
    assert not old.task.has_pending_interruptions


def test_a_failure_cancels_nothing() -> None:
    stage = Stage(manual_step())
    old = Scene(stage.deploy(), stage.environment, [stage.machine], SettableClock())
    old.begin()
    make_process(stage.project, script_step(roles="web"))
    new = Scene(stage.deploy(), stage.environment, [stage.machine], SettableClock())
    new.begin()
    cancel_task(actor=SYSTEM, task=new.task)
    new.advance()
    old.advance()
    assert old.state() == TaskState.PAUSED
