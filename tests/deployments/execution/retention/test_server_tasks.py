"""Tasks that belong to no deployment and no run go some time after they ended."""

from datetime import timedelta

import pytest

from deployments.base.clock import utc_now
from deployments.base.models import Event
from deployments.execution.logs.append import write_lines
from deployments.execution.models import LogChunk
from deployments.infrastructure.models import Machine
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import enqueue
from tests.deployments.execution.retention.test_passes import log_of, run
from tests.factories import SYSTEM, default_space
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
    script_step,
)

pytestmark = pytest.mark.django_db


def make_ended(days: float, state: str = "Success") -> ServerTask:
    task = enqueue(
        actor=SYSTEM, space=default_space(), kind="Health", description="Check", arguments={}
    )
    write_lines(task, None, [("info", "well")])
    end(task, days, state)
    return task


def end(task: ServerTask, days: float, state: str = "Success") -> None:
    rows = ServerTask.objects.in_space(default_space()).filter(pk=task.pk)
    rows.update(state=state, completed=utc_now() - timedelta(days=days))


def left() -> set[int]:
    rows = ServerTask.objects.in_space(default_space()).exclude(kind="Retention")
    return set(rows.values_list("pk", flat=True))


def test_tasks_that_ended_long_ago_go_with_their_logs() -> None:
    old, failed = make_ended(91), make_ended(100, "Failed")
    kept = [make_ended(89), make_ended(91, "Executing")]
    task = run()
    assert left() == {each.pk for each in kept}
    logs = LogChunk.objects.in_space(default_space())
    assert not logs.filter(task__in=[old.pk, failed.pk]).exists()
    text = log_of(task)
    assert "2 of the kind Health deleted: ended over 90 days ago" in text
    assert "2 tasks of the server deleted." in text
    assert Event.objects.filter(message__startswith="2 tasks of the server that ended").exists()


def test_those_of_deployments_and_the_last_check_of_a_target_stay() -> None:
    place = make_environment("Live")
    project = make_project("Web", lifecycle=make_lifecycle(place), steps=[script_step()])
    deployment = make_deployment(make_release(project), place, state="Success")
    end(deployment.task, 900)
    check = make_ended(91)
    machine = make_machine(place)
    Machine.objects.in_space(place.space).filter(pk=machine.pk).update(
        last_check_task=check.public_id
    )
    run()
    assert left() == {deployment.task_id, check.pk}


def test_a_dry_run_says_how_many_and_deletes_none() -> None:
    make_ended(91)
    text = log_of(run(DryRun=True))
    assert "1 of the kind Health would be deleted" in text
    assert len(left()) == 1
