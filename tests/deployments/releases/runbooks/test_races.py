"""People who publish, run and delete at once; what a newer run replaces."""

from functools import partial

import pytest

from deployments.projects.models import Runbook
from deployments.releases.models import RunbookRun, RunbookSnapshot
from deployments.releases.queries import published_snapshot, tasks_of_runbook
from deployments.releases.services import runbook_snapshots
from deployments.releases.services.runbook_snapshots import (
    delete_runbook,
    publish_runbook_snapshot,
)
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import supersede_paused
from deployments.server_tasks.states import TaskState
from tests.deployments.execution.test_concurrency import in_threads
from tests.deployments.server_tasks.test_current import between
from tests.factories.domain import make_environment, make_project, script_step
from tests.factories.people import SYSTEM
from tests.factories.runbooks import make_run, make_runbook, make_snapshot


@pytest.mark.django_db(transaction=True)
def test_of_those_who_publish_at_once_the_last_one_wins() -> None:
    runbook = make_runbook(make_project())
    snapshots = [make_snapshot(runbook, publish=False) for _ in range(4)]
    for _ in range(3):
        in_threads(
            *(partial(publish_runbook_snapshot, actor=SYSTEM, snapshot=each) for each in snapshots)
        )
        published = RunbookSnapshot.objects.in_space(runbook.space).filter(is_published=True)
        assert published.count() == 1
    assert published_snapshot(runbook) in snapshots


def states(*runs: RunbookRun) -> list[str]:
    for run in runs:
        run.task.refresh_from_db()
    return [run.task.state for run in runs]


@pytest.mark.django_db
def test_a_run_replaces_those_of_its_own_runbook_alone() -> None:
    project, place = make_project(steps=[script_step()]), make_environment()
    backup, restart = (
        make_runbook(project, name, CancelQueuedTasks=True) for name in ("Backup", "Restart")
    )
    for runbook in (backup, restart):
        make_snapshot(runbook)
    first, other, newer = (make_run(each, place) for each in (backup, restart, backup))
    assert states(first, other, newer) == ["Canceled", "Queued", "Queued"]
    waiting = [make_run(each, place, state=TaskState.PAUSED) for each in (backup, restart)]
    last = make_run(backup, place, state=TaskState.SUCCESS)
    canceled = supersede_paused(task=last.task, among=tasks_of_runbook(last))
    assert [task.pk for task in canceled] == [waiting[0].task_id]


@pytest.mark.django_db(transaction=True)
def test_a_runbook_is_not_deleted_from_under_a_run_that_begins() -> None:
    project, place = make_project(steps=[script_step()]), make_environment()
    runbook = make_runbook(project)
    make_snapshot(runbook)
    again = Runbook.objects.in_space(project.space).select_related("project").get(pk=runbook.pk)
    with between(runbook_snapshots, "record_runbook", lambda: make_run(again, place)) as told:
        delete_runbook(actor=SYSTEM, row=runbook)
    assert told == ["The runbook, or this snapshot of it, was deleted meanwhile."]
    assert not ServerTask.objects.in_space(project.space).exists()
