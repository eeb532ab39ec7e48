"""The queue: order, tags, the node's cap, times, stopping, and the reasons for waiting."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.server_tasks.models import ServerNode, ServerTask
from deployments.server_tasks.queries import queued_behind, totals_by_state
from deployments.server_tasks.services import (
    cancel_task,
    enqueue,
    move,
    schedule,
)
from deployments.server_tasks.states import FINISHED, MOVES, TaskState
from tests.factories.execution import NODE, SettableClock
from tests.factories.people import SYSTEM, make_ana, make_ben, make_cleo, make_dan
from tests.factories.spaces import default_space, make_space

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


def make_task(tag: str = "", **fields: Any) -> ServerTask:
    return enqueue(
        actor=SYSTEM,
        space=fields.pop("space", None) or default_space(),
        kind="Deploy",
        description="Deploy something",
        arguments={},
        concurrency_tag=tag,
        **fields,
    )


def state_of(task: ServerTask) -> str:
    task.refresh_from_db()
    return task.state


def end(task: ServerTask, clock: SettableClock, state: TaskState = TaskState.SUCCESS) -> None:
    assert move(task.pk, state, now=clock())


def test_first_in_first_out_within_the_cap(clock: SettableClock) -> None:
    tasks = [make_task(f"tag {n}") for n in range(7)]
    assert schedule(node_name=NODE, clock=clock) == [task.pk for task in tasks[:5]]
    tasks[5].refresh_from_db()
    assert tasks[5].waiting_reason == "Every task slot is taken."
    end(tasks[2], clock)
    assert schedule(node_name=NODE, clock=clock) == [tasks[5].pk]
    assert (
        tasks[5].waiting_reason
        != ServerTask.objects.in_space(default_space()).get(pk=tasks[5].pk).waiting_reason
    )


def test_one_task_of_a_tag_at_a_time_in_order(clock: SettableClock) -> None:
    first, second, third = (make_task("Projects-1/Environments-1") for _ in range(3))
    other = make_task("Projects-1/Environments-2")
    assert schedule(node_name=NODE, clock=clock) == [first.pk, other.pk]
    second.refresh_from_db()
    assert second.waiting_reason.startswith(f"Behind {first.public_id},")
    assert [task.pk for task in queued_behind(third)] == [second.pk, first.pk]
    end(first, clock)
    assert schedule(node_name=NODE, clock=clock) == [second.pk]
    assert state_of(third) == TaskState.QUEUED
    third.refresh_from_db()
    assert third.waiting_reason.startswith(f"Behind {second.public_id},")


def test_two_schedulers_cannot_run_one_tag_twice(clock: SettableClock) -> None:
    first, second = make_task("tag"), make_task("tag")
    assert move(first.pk, TaskState.EXECUTING, now=clock())
    with pytest.raises(IntegrityError), transaction.atomic():
        move(second.pk, TaskState.EXECUTING, now=clock())
    assert state_of(second) == TaskState.QUEUED


def test_priority_goes_first_but_waits_for_its_tag(clock: SettableClock) -> None:
    running = make_task("tag")
    schedule(node_name=NODE, clock=clock)
    ordinary, urgent = make_task("other"), make_task("tag", priority=1)
    assert schedule(node_name=NODE, clock=clock) == [ordinary.pk]
    waits = make_task("tag")
    end(running, clock)
    assert schedule(node_name=NODE, clock=clock) == [urgent.pk]
    assert state_of(waits) == TaskState.QUEUED


def test_times_bound_the_start(clock: SettableClock) -> None:
    now = clock()
    later = make_task("tag", not_before=now + timedelta(hours=1))
    sooner = make_task("tag")
    expiring = make_task("tag", expires=now + timedelta(minutes=1), clock=clock)
    assert schedule(node_name=NODE, clock=clock) == [sooner.pk]
    later.refresh_from_db()
    assert later.waiting_reason.startswith("Scheduled for ")
    clock.forward(61)
    assert schedule(node_name=NODE, clock=clock) == []
    assert state_of(expiring) == TaskState.TIMED_OUT
    assert expiring.error_message
    end(sooner, clock)
    clock.forward(3600)
    assert schedule(node_name=NODE, clock=clock) == [later.pk]
    with pytest.raises(Invalid):
        make_task(expires=now - timedelta(seconds=1))


def test_a_stopped_space_and_a_draining_node_start_nothing(clock: SettableClock) -> None:
    space = make_space()
    space.task_queue_stopped = True
    space.save()
    stopped, free = make_task(space=space), make_task()
    assert schedule(node_name=NODE, clock=clock) == [free.pk]
    stopped.refresh_from_db()
    assert stopped.waiting_reason == "The task queue of the space is stopped."
    ServerNode.objects.filter(name=NODE).update(is_draining=True)
    make_task()
    assert schedule(node_name=NODE, clock=clock) == []


def test_a_paused_task_frees_slot_and_tag_and_resumes_before_newer_ones(
    clock: SettableClock,
) -> None:
    paused, other, third = make_task("tag"), make_task("tag"), make_task("tag")
    schedule(node_name=NODE, clock=clock)
    rows = ServerTask.objects.in_space(default_space()).filter(pk=paused.pk)
    rows.update(has_pending_interruptions=True)
    assert move(paused.pk, TaskState.PAUSED, now=clock())
    assert schedule(node_name=NODE, clock=clock) == [other.pk]
    rows.update(has_pending_interruptions=False)
    assert schedule(node_name=NODE, clock=clock) == []
    end(other, clock)
    assert schedule(node_name=NODE, clock=clock) == [paused.pk]
    assert state_of(third) == TaskState.QUEUED


def test_cancel_at_once_while_queued_and_by_the_engine_while_running(clock: SettableClock) -> None:
    running, queued = make_task("tag"), make_task("tag")
    schedule(node_name=NODE, clock=clock)
    assert cancel_task(actor=SYSTEM, task=queued).state == TaskState.CANCELED
    assert cancel_task(actor=SYSTEM, task=running).state == TaskState.CANCELLING
    assert running.cancel_requests == 1
    assert cancel_task(actor=SYSTEM, task=running).cancel_requests == 2
    end(running, clock, TaskState.CANCELED)
    assert cancel_task(actor=SYSTEM, task=running).cancel_requests == 2
    assert Event.objects.filter(category="TaskCanceled").count() == 3


def test_who_may_cancel(clock: SettableClock) -> None:
    space = default_space()
    ana, ben, cleo = make_ana(), make_ben(space, "Environments-7"), make_cleo(space)
    dan = make_dan(make_space())
    staging = make_task(environment_number=7, project_number=1)
    production = make_task(environment_number=8, project_number=1)
    for person, task in ((cleo, staging), (dan, staging), (ben, production)):
        with pytest.raises(NotPermitted):
            cancel_task(actor=person.actor, task=task)
    assert cancel_task(actor=ben.actor, task=staging).state == TaskState.CANCELED
    assert cancel_task(actor=ana.actor, task=production).state == TaskState.CANCELED


def test_moves_follow_the_table(clock: SettableClock) -> None:
    for source in TaskState:
        for target in TaskState:
            task = make_task()
            ServerTask.objects.in_space(default_space()).filter(pk=task.pk).update(state=source)
            allowed = target in MOVES[source]
            assert move(task.pk, target, now=clock()) is allowed
            task.refresh_from_db()
            assert task.state == (target if allowed else source)
            assert bool(task.completed) is (allowed and target in FINISHED)


def test_totals_count_paused_as_executing(clock: SettableClock) -> None:
    for state in (TaskState.PAUSED, TaskState.EXECUTING, TaskState.SUCCESS):
        task = make_task()
        rows = ServerTask.objects.in_space(default_space()).filter(pk=task.pk)
        rows.update(state=state, has_pending_interruptions=state == TaskState.PAUSED)
    totals = totals_by_state(ServerTask.objects.in_space(default_space()))
    assert (totals["Executing"], totals["Success"], totals["Interrupted"]) == (2, 1, 1)
