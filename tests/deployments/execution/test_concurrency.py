"""Several workers at once on a real database: one start each, nothing lost."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection

from deployments.execution.models import ActionExecution, AgentMessage
from deployments.execution.services import mailbox
from deployments.execution.services.advance import advance
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import schedule
from deployments.server_tasks.states import TaskState
from tests.factories.domain import script_step
from tests.factories.execution import make_scene

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(*works: Callable[[], None]) -> None:
    """Run the works at once and raise what went wrong in any of them."""
    errors: list[BaseException] = []
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        try:
            gate.wait()
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_schedulers_of_two_nodes_start_each_task_once() -> None:
    scenes = [make_scene(script_step(roles="web"), begin=False) for _ in range(4)]
    started: list[int] = []
    in_threads(
        *(lambda name=name: started.extend(schedule(node_name=name)) for name in ("a", "b", "a"))
    )
    assert sorted(started) == [scene.task.pk for scene in scenes]


def test_workers_that_advance_the_same_task_start_everything_once() -> None:
    steps = [script_step(name, roles="web") for name in ("One", "Two", "Three")]
    scene = make_scene(*steps, machines=3, begin=False)
    schedule(node_name="a")
    pk = scene.task.pk
    space = scene.deployment.space

    def is_over() -> bool:
        return ServerTask.objects.in_space(space).get(pk=pk).is_completed

    def work() -> None:
        while not is_over():
            advance(pk)
            time.sleep(0.02)

    def agents() -> None:
        while not is_over():
            rows = AgentMessage.objects.in_space(space).filter(kind="run", finished=None)
            ids = [str(number) for number in rows.values_list("message_id", flat=True)]
            mailbox.apply_started(ids)
            ends = [mailbox.FinishedResult(number, True, 0) for number in ids]
            mailbox.apply_finished([*ends, *ends])
            time.sleep(0.05)

    in_threads(work, work, agents)
    rows = ActionExecution.objects.in_space(space).filter(task=pk)
    assert [row.state for row in rows] == ["Succeeded"] * 9
    assert scene.state() == TaskState.SUCCESS
