"""Moving to the top, correcting how a task ended, running again, abandoning; services and REST."""

from datetime import timedelta

import pytest

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.server_tasks import kinds
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.queries import queued_behind
from deployments.server_tasks.services import (
    abandon_task,
    cancel_task,
    correct_state,
    enqueue,
    move,
    move_to_top,
    rerun,
    schedule,
)
from deployments.server_tasks.states import TaskState
from tests.factories.execution import NODE, SettableClock
from tests.factories.people import SYSTEM, make_ana, make_cleo
from tests.factories.spaces import default_space

pytestmark = pytest.mark.django_db


def make_task(tag: str = "tag", kind: str = "Deploy") -> ServerTask:
    return enqueue(
        actor=SYSTEM,
        space=default_space(),
        kind=kind,
        description="Deploy something",
        arguments={"A": "b"},
        concurrency_tag=tag,
        project_number=3,
    )


def ended(state: TaskState = TaskState.SUCCESS) -> ServerTask:
    task = make_task("")
    ServerTask.objects.in_space(default_space()).filter(pk=task.pk).update(state=state)
    task.refresh_from_db()
    return task


def test_the_moved_one_goes_first_but_skips_no_lock() -> None:
    running, first, second = make_task(), make_task(), make_task()
    clock = SettableClock()
    schedule(node_name=NODE, clock=clock)
    move_to_top(actor=SYSTEM, task=second)
    assert schedule(node_name=NODE, clock=clock) == []
    assert set(queued_behind(first)) == {running, second}
    assert set(queued_behind(second)) == {running}
    move(running.pk, TaskState.SUCCESS, now=clock())
    assert schedule(node_name=NODE, clock=clock) == [second.pk]
    with pytest.raises(Invalid):
        move_to_top(actor=SYSTEM, task=second)
    assert Event.objects.filter(category="TaskPrioritized").count() == 1


def test_how_it_ended_is_corrected_with_a_reason() -> None:
    task = ended()
    long = "x" * 1001
    for state, reason in (("Queued", "x"), ("Success", "x"), ("Failed", " "), ("Failed", long)):
        with pytest.raises(Invalid):
            correct_state(actor=SYSTEM, task=task, state=state, reason=reason)
    task = correct_state(actor=SYSTEM, task=task, state="Failed", reason="It served errors.")
    assert task.state == TaskState.FAILED
    event = Event.objects.get(category="TaskStateChanged")
    assert "from Success to Failed: It served errors." in event.message
    with pytest.raises(Invalid):
        correct_state(actor=SYSTEM, task=make_task(), state="Failed", reason="x")


def test_only_kinds_that_may_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid):
        rerun(actor=SYSTEM, task=ended())
    kind = kinds.TaskKind("Deploy", "execution.advance", "Deploy a release", may_rerun=True)
    monkeypatch.setitem(kinds._kinds, "Deploy", kind)
    with pytest.raises(Invalid):
        rerun(actor=SYSTEM, task=make_task())
    old = ended()
    new = rerun(actor=SYSTEM, task=old)
    assert (new.state, new.arguments, new.pk) == ("Queued", {"A": "b"}, old.pk + 1)


def test_abandoning_needs_ten_minutes_of_canceling() -> None:
    clock = SettableClock()
    task = make_task()
    schedule(node_name=NODE, clock=clock)
    with pytest.raises(Invalid):
        abandon_task(actor=SYSTEM, task=task, clock=clock)
    cancel_task(actor=SYSTEM, task=task, clock=clock)
    clock.forward(timedelta(minutes=9).total_seconds())
    with pytest.raises(Invalid):
        abandon_task(actor=SYSTEM, task=task, clock=clock)
    clock.forward(60)
    task = abandon_task(actor=SYSTEM, task=task, clock=clock)
    assert (task.state, "abandoned" in task.error_message) == (TaskState.CANCELED, True)
    with pytest.raises(Invalid):
        abandon_task(actor=SYSTEM, task=task, clock=clock)


def test_who_may() -> None:
    cleo = make_cleo(default_space())
    with pytest.raises(NotPermitted):
        move_to_top(actor=cleo.actor, task=make_task())
    with pytest.raises(NotPermitted):
        correct_state(actor=cleo.actor, task=ended(), state="Failed", reason="x")
    with pytest.raises(NotPermitted):
        rerun(actor=cleo.actor, task=ended())
    with pytest.raises(NotPermitted):
        abandon_task(actor=cleo.actor, task=make_task())


def test_over_rest() -> None:
    ana, cleo = make_ana(), make_cleo(default_space())
    first, second = make_task(), make_task()
    links = ana.api.get(f"/api/tasks/{second.public_id}").json()["Links"]
    assert ana.api.post(links["Prioritize"]).status_code == 200
    assert cleo.api.post(links["Prioritize"]).status_code == 403
    clock = SettableClock()
    assert schedule(node_name=NODE, clock=clock) == [second.pk]
    answer = ana.api.post(links["Prioritize"])
    assert answer.status_code == 400
    assert "waits in the queue" in str(answer.json()["Errors"])
    assert ana.api.post(links["Abandon"]).status_code == 400
    assert ana.api.post(links["Rerun"]).status_code == 400
    move(second.pk, TaskState.SUCCESS, now=clock())
    body = {"State": "Failed", "Reason": "It served errors."}
    answer = ana.api.post(links["State"], body, content_type="application/json")
    assert (answer.status_code, answer.json()["State"]) == (200, "Failed")
    answer = ana.api.post(links["State"], body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["Errors"] == ["The task is Failed already."]
    answer = ana.api.post(links["State"], {"State": "Odd"}, content_type="application/json")
    assert (answer.status_code, "Reason" in str(answer.json()["Errors"])) == (400, True)
    assert first.state == TaskState.QUEUED


def test_without_an_expiry_a_task_waits_for_a_day_at_most() -> None:
    clock = SettableClock()
    blocked = make_task("")
    later = enqueue(
        actor=SYSTEM,
        space=default_space(),
        kind="Deploy",
        description="tonight",
        arguments={},
        not_before=clock() + timedelta(hours=30),
    )
    space = default_space()
    space.task_queue_stopped = True
    space.save()
    clock.forward(timedelta(hours=23, minutes=59).total_seconds())
    schedule(node_name=NODE, clock=clock)
    blocked.refresh_from_db()
    assert blocked.state == TaskState.QUEUED
    clock.forward(120)
    schedule(node_name=NODE, clock=clock)
    blocked.refresh_from_db()
    later.refresh_from_db()
    assert (blocked.state, later.state) == (TaskState.TIMED_OUT, TaskState.QUEUED)
    clock.forward(timedelta(hours=7).total_seconds())
    schedule(node_name=NODE, clock=clock)
    later.refresh_from_db()
    assert later.state == TaskState.TIMED_OUT
