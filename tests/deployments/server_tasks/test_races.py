"""The queue against people: what one does between two looks of the other is never lost."""

import contextlib
import threading
import time
from functools import partial
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.errors import Invalid
from deployments.execution.models import Interruption
from deployments.execution.services.interruptions import submit
from deployments.execution.services.sweep import sweep
from deployments.releases.models import Release
from deployments.releases.services import deployments
from deployments.server_tasks.models import ServerNode, ServerTask
from deployments.server_tasks.services import (
    abandon_task,
    cancel,
    cancel_task,
    enqueue,
    moves,
    queue,
    schedule,
    supersede,
    supersede_paused,
    supersede_queued,
)
from deployments.server_tasks.services.enqueue import PARENT_TASK
from deployments.server_tasks.states import TaskState
from tests.deployments.execution.test_concurrency import in_threads
from tests.deployments.server_tasks.test_supersede import Stage
from tests.factories.domain import make_deployment, make_release, script_step
from tests.factories.execution import NODE, Scene, make_scene
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space, make_space

pytestmark = pytest.mark.django_db


def make_task(tag: str = "", **fields: Any) -> ServerTask:
    return enqueue(
        actor=SYSTEM,
        space=fields.pop("space", None) or default_space(),
        kind="Deploy",
        description="something",
        arguments=fields.pop("arguments", {}),
        concurrency_tag=tag,
        **fields,
    )


def make_node(name: str = NODE) -> None:
    values = {"task_cap": 1, "last_seen": "2026-01-01T00:00Z"}
    ServerNode.objects.update_or_create(name=name, defaults=values)


def pass_of(node: str = NODE) -> list[int]:
    return schedule(node_name=node, hand_over=lambda *_: None)


def answered() -> Scene:
    """Return a paused deployment whose question has been answered."""
    properties = {"Octopus.Action.Manual.Instructions": "Look"}
    action = {"Name": "Ask", "ActionType": "Octopus.Manual", "Properties": properties}
    scene = make_scene({"Name": "Ask", "Actions": [action]}, script_step("After", roles="web"))
    question = Interruption.objects.in_space(default_space()).get(task=scene.task)
    submit(actor=SYSTEM, interruption=question, result="Proceed", clock=scene.clock)
    return scene


def test_a_cancel_while_the_queue_resumes_the_task() -> None:
    scene = answered()
    look_around = queue._look_around

    def between(*arguments: Any) -> Any:
        cancel_task(actor=SYSTEM, task=scene.task)
        return look_around(*arguments)

    with mock.patch.object(queue, "_look_around", between):
        schedule(node_name=NODE, clock=scene.clock)
    scene.advance()
    assert scene.state() == TaskState.CANCELED


def test_a_task_that_was_resumed_all_the_same_ends() -> None:
    scene = answered()
    rows = ServerTask.objects.in_space(default_space()).filter(pk=scene.task.pk)
    rows.update(state=TaskState.EXECUTING, cancel_requests=1)
    scene.clock.forward(60)
    sweep(clock=scene.clock)
    scene.advance()
    assert scene.state() == TaskState.CANCELED
    rows.update(state=TaskState.EXECUTING, cancel_requests=1, cancel_requested="2026-01-01T00:00Z")
    assert abandon_task(actor=SYSTEM, task=scene.task).state == TaskState.CANCELED


def test_a_resume_while_a_person_cancels() -> None:
    scene = answered()
    ask_again = cancel._ask_again

    def between(*arguments: Any, **named: Any) -> bool:
        schedule(node_name=NODE, clock=scene.clock)
        return ask_again(*arguments, **named)

    with mock.patch.object(cancel, "_ask_again", between):
        task = cancel_task(actor=SYSTEM, task=scene.task)
    assert (task.state, task.cancel_requests) == (TaskState.CANCELLING, 1)


def test_two_clicks_are_one_request_unless_by_force() -> None:
    task = make_task()
    pass_of()
    for _ in range(2):
        cancel_task(actor=SYSTEM, task=task, by_force=False)
    assert task.cancel_requests == 1
    assert cancel_task(actor=SYSTEM, task=task, by_force=True).cancel_requests == 2


def test_a_child_stands_behind_nobody_without_a_slot() -> None:
    make_node()
    parent = make_task("parent")
    assert pass_of() == [parent.pk]
    make_task("same")
    child = make_task("same", arguments={PARENT_TASK: parent.public_id})
    assert pass_of() == [child.pk]


def test_a_child_with_the_tag_of_its_parent_is_refused() -> None:
    stage = Stage()
    parent = stage.deploy()
    with pytest.raises(Invalid, match="would wait for the one that waits for it"):
        stage.deploy(parent_task=parent.task.public_id)


def test_what_a_parent_waits_for_is_replaced_by_nobody() -> None:
    stage, other = Stage(), Stage()
    parent = other.deploy()
    child = stage.deploy(parent_task=parent.task.public_id)
    mine = stage.deploy()
    assert stage.states(child, mine) == ["Queued", "Queued"]


def test_a_stopped_space_holds_no_tag() -> None:
    stopped = make_space()
    stopped.task_queue_stopped = True
    stopped.save()
    make_task("shared", space=stopped)
    free = make_task("shared")
    assert pass_of() == [free.pk]


def test_nodes_do_not_overwrite_each_other() -> None:
    for name in (NODE, "node-2"):
        make_node(name)
        make_task()
        pass_of(name)
    for _ in range(10):
        make_task()
    pass_of()
    for name in (NODE, "node-2", NODE):
        with CaptureQueriesContext(connection) as captured:
            pass_of(name)
        writes = [query for query in captured if query["sql"].startswith("UPDATE")]
        assert len(writes) <= 2


def test_superseding_forces_nobody_and_keeps_the_priority() -> None:
    scene = answered()
    cancel_task(actor=SYSTEM, task=scene.task)
    newer = make_deployment(scene.deployment.release, scene.environment).task
    assert supersede_paused(task=newer) == []
    assert scene.task.cancel_requests == 1
    stage = Stage()
    stage.deploy()
    pass_of()
    stage.deploy(priority="On")
    regular = stage.deploy()
    regular.task.refresh_from_db()
    assert regular.task.priority == 1


@pytest.mark.django_db(transaction=True)
def test_superseding_and_scheduling_lock_in_one_order() -> None:
    make_node()
    about = {"is_complete": True, "project_number": 1, "environment_number": 1}
    make_task("X")
    pass_of()
    first, second, newer = (make_task("X", **about) for _ in range(3))
    meet = threading.Barrier(2)
    errors: list[str] = []
    explain = queue._explain

    def wait() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            meet.wait(timeout=2)

    def slow_explain(task: ServerTask, reason: str) -> None:
        explain(task, reason)
        if task.pk == first.pk:
            wait()

    def slow_move(number: int, *arguments: Any, **named: Any) -> bool:
        done = moves.move(number, *arguments, **named)
        if number == second.pk:
            wait()
        return done

    def run(work: Any) -> None:
        try:
            work()
        except Exception as error:
            errors.append(repr(error))
        finally:
            connection.close()

    with (
        mock.patch.object(queue, "_explain", slow_explain),
        mock.patch.object(supersede, "move", slow_move),
    ):
        works = (pass_of, lambda: supersede_queued(task=newer))
        threads = [threading.Thread(target=run, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert errors == []


@pytest.mark.django_db(transaction=True)
def test_of_deployments_made_at_once_the_last_replaces_the_others() -> None:
    stage = Stage()
    stage.deploy()
    releases = [make_release(stage.project, f"2.0.{number}") for number in range(3)]

    def late(**named: Any) -> list[ServerTask]:
        time.sleep(0.3)  # long enough for the others to queue their own, if nothing holds them up
        return supersede_queued(**named)

    def deploy(release: Release) -> None:
        make_deployment(release, stage.environment)

    with mock.patch.object(deployments, "supersede_queued", late):
        in_threads(*(partial(deploy, release) for release in releases))
    tasks = ServerTask.objects.in_space(default_space()).order_by("pk")
    assert [row.state for row in tasks] == ["Canceled", "Canceled", "Canceled", "Queued"]
