"""Passes of retention: what goes, what stays, who may ask, and what happens meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.execution.logs.append import write_lines
from deployments.execution.models import ActionExecution, Artifact, LogChunk
from deployments.execution.services.retention.asking import (
    EVERY,
    queue_due_passes,
    request_retention,
)
from deployments.execution.services.retention.deleting import delete_by_retention
from deployments.execution.services.retention.passing import run_retention
from deployments.infrastructure.models import Environment
from deployments.projects.models import PendingDeployment, Project
from deployments.projects.retention import KEEP_EVERYTHING
from deployments.projects.services.retention_defaults import save_retention_defaults
from deployments.releases.models import (
    DeletedRelease,
    Deployment,
    ProcessSnapshot,
    Release,
    ReleaseSelectedPackage,
)
from deployments.releases.retention.facts import judged
from deployments.releases.services.defects import report_defect
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import cancel_task
from deployments.server_tasks.services.moves import move
from deployments.server_tasks.states import TaskState
from packages_feed.models import StoredBlob
from tests.factories import SYSTEM, default_space, make_ana, make_ben, make_cleo
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def keep(project: Project, number: int) -> None:
    lifecycle = project.lifecycle
    lifecycle.release_retention = {
        "Strategy": "Count",
        "QuantityToKeep": number,
        "Unit": "Items",
    }
    lifecycle.save()


@pytest.fixture
def place() -> Environment:
    return make_environment("Production")


@pytest.fixture
def project(place: Environment) -> Project:
    project = make_project("Web", lifecycle=make_lifecycle(place), steps=[script_step()])
    keep(project, 1)
    return project


def deployed(project: Project, place: Environment, count: int) -> list[Deployment]:
    return [make_deployment(make_release(project), place, state="Success") for _ in range(count)]


def begin(**arguments: Any) -> ServerTask:
    task = request_retention(actor=SYSTEM, space=default_space(), arguments=arguments)
    assert move(task.pk, TaskState.EXECUTING, now=NOW)
    return task


def run(**arguments: Any) -> ServerTask:
    task = begin(**arguments)
    run_retention(task.pk)
    task.refresh_from_db()
    return task


def versions(project: Project) -> list[str]:
    rows = Release.objects.in_space(project.space).filter(project=project)
    return list(rows.order_by("pk").values_list("version", flat=True))


def log_of(task: ServerTask) -> str:
    chunks = LogChunk.objects.in_space(task.space).filter(task=task).order_by("event_number")
    return b"".join(bytes(chunk.body) for chunk in chunks).decode(errors="replace")


def test_a_pass_deletes_releases_with_all_that_came_of_them(
    project: Project, place: Environment
) -> None:
    rows = deployed(project, place, 5)
    oldest = rows[0]
    execution = ActionExecution.objects.create(
        space=project.space,
        task=oldest.task,
        step_id="s",
        step_name="Step",
        step_number=1,
        action_id="a",
        action_name="Action",
        action_type="Octopus.Script",
        target_id="",
        target_name="",
        queued=NOW,
    )
    blob = StoredBlob.objects.create(sha256="a" * 64, size=1, stored=NOW)
    Artifact.objects.create(
        space=project.space,
        task=oldest.task,
        execution=execution,
        number=1,
        name="report.txt",
        blob=blob,
        size=1,
        created=NOW,
    )
    write_lines(oldest.task, None, [("info", "hello")])
    task = run()
    assert task.state == "Success"
    assert versions(project) == ["0.0.3", "0.0.4", "0.0.5"]
    assert not ServerTask.objects.in_space(project.space).filter(pk=oldest.task_id).exists()
    assert not LogChunk.objects.in_space(project.space).filter(task=oldest.task_id).exists()
    assert not Artifact.objects.in_space(project.space).exists()
    gone = Event.objects.filter(category="Deleted", subject_id=oldest.release.public_id).get()
    assert "0.0.1 of Web was deleted by retention (Production: 1 release kept" in gone.message
    related = set(gone.related.values_list("document_id", flat=True))
    assert {project.public_id, oldest.public_id} <= related
    text = log_of(task)
    assert "0.0.1 deleted with 1 deployments" in text
    assert "2 releases with 2 deployments and 1 artifacts deleted, 3 kept." in text
    # The number is not given again, and the snapshot that all share is still there.
    assert DeletedRelease.objects.in_space(project.space).count() == 2
    assert make_release(project).version == "0.0.6"
    assert ProcessSnapshot.objects.in_space(project.space).count() == 1


def test_bytes_of_artifacts_go_after_the_commit(
    project: Project,
    place: Environment,
    django_capture_on_commit_callbacks: Any,
) -> None:
    oldest = deployed(project, place, 4)[0]
    execution = ActionExecution.objects.create(
        space=project.space, task=oldest.task, step_number=1, queued=NOW
    )
    blobs = [StoredBlob.objects.create(sha256=letter * 64, size=1, stored=NOW) for letter in "bc"]
    kept = Deployment.objects.in_space(project.space).latest("pk")
    other = ActionExecution.objects.create(
        space=project.space, task=kept.task, step_number=1, queued=NOW
    )
    for number, (where, task, blob) in enumerate(
        [
            (execution, oldest.task, blobs[0]),
            (execution, oldest.task, blobs[1]),
            (other, kept.task, blobs[1]),
        ]
    ):
        Artifact.objects.create(
            space=project.space,
            task=task,
            execution=where,
            number=number,
            name="file",
            blob=blob,
            size=1,
            created=NOW,
        )
    with django_capture_on_commit_callbacks(execute=True):
        run()
    assert list(StoredBlob.objects.values_list("sha256", flat=True)) == ["c" * 64]


def test_a_dry_run_deletes_nothing_and_says_why(project: Project, place: Environment) -> None:
    deployed(project, place, 4)
    task = run(DryRun=True)
    assert task.state == "Success"
    assert len(versions(project)) == 4
    text = log_of(task)
    assert "0.0.1 would be deleted: Production: 1 release kept already" in text
    assert "0.0.4 kept: current in Production" in text
    assert "Dry run: nothing was deleted." in text


def test_what_is_in_use_stays(project: Project, place: Environment) -> None:
    queued, blocked, needed, planned, *_ = (row.release for row in deployed(project, place, 8))
    make_deployment(queued, place)
    report_defect(actor=SYSTEM, release=blocked, description="It breaks orders")
    parent = make_release(make_project("Suite", lifecycle=project.lifecycle, steps=[script_step()]))
    ReleaseSelectedPackage.objects.create(
        release=parent,
        action_name="Deploy Web",
        package_id=project.public_id,
        feed_id="feeds-projects",
        version=needed.version,
    )
    PendingDeployment.objects.create(
        project=project, release_number=planned.pk, environment=place, cause="0.0.4", due=NOW
    )
    reasons = {
        verdict.candidate.version: verdict.words
        for verdict in judged(project, default=KEEP_EVERYTHING, now=NOW)
    }
    assert reasons["0.0.1"] == "a deployment of it has not ended"
    assert reasons["0.0.2"] == "its progression is blocked"
    assert reasons["0.0.3"] == f"release {parent.version} of Suite deploys it"
    assert reasons["0.0.4"] == "a roll-out is going to deploy it"
    run()
    assert versions(project) == ["0.0.1", "0.0.2", "0.0.3", "0.0.4", "0.0.7", "0.0.8"]


def test_a_release_that_a_roll_out_takes_after_it_was_judged_stays(
    project: Project, place: Environment
) -> None:
    oldest = deployed(project, place, 4)[0].release
    verdicts = list(judged(project, default=KEEP_EVERYTHING, now=NOW))[-1:]
    assert not verdicts[0].is_kept
    PendingDeployment.objects.create(
        project=project, release_number=oldest.pk, environment=place, cause="0.0.1", due=NOW
    )
    assert delete_by_retention(actor=SYSTEM, project=project, verdicts=verdicts) == {}


def test_a_release_that_is_deployed_after_it_was_judged_stays(
    project: Project, place: Environment
) -> None:
    oldest = deployed(project, place, 4)[0].release
    verdicts = list(judged(project, default=KEEP_EVERYTHING, now=NOW))
    make_deployment(oldest, place)
    verdict = verdicts[-1]
    assert (verdict.candidate.number, verdict.is_kept) == (oldest.pk, False)
    assert delete_by_retention(actor=SYSTEM, project=project, verdicts=verdicts[-1:]) == {}
    assert oldest.version in versions(project)


def test_a_release_that_is_gone_is_not_recorded_twice(project: Project, place: Environment) -> None:
    deployed(project, place, 4)
    verdict = list(judged(project, default=KEEP_EVERYTHING, now=NOW))[-1]
    gone = delete_by_retention(actor=SYSTEM, project=project, verdicts=[verdict])
    assert list(gone) == [verdict.candidate.number]
    assert delete_by_retention(actor=SYSTEM, project=project, verdicts=[verdict]) == {}
    assert Event.objects.filter(category="Deleted").count() == 1


def test_the_default_of_the_space_counts_where_the_lifecycle_says_so(
    project: Project, place: Environment
) -> None:
    project.lifecycle.release_retention = {"Strategy": "Default"}
    project.lifecycle.save()
    deployed(project, place, 4)
    run()
    assert len(versions(project)) == 4
    save_retention_defaults(
        actor=SYSTEM,
        space=default_space(),
        policies={"LifecycleRelease": {"Strategy": "Count", "QuantityToKeep": 1, "Unit": "Items"}},
    )
    run()
    assert len(versions(project)) == 3


@pytest.mark.parametrize(
    "policies",
    [
        {"LifecycleRelease": {"Strategy": "Default"}},
        {"LifecycleRelease": {"Strategy": "Count", "QuantityToKeep": 0, "Unit": "Days"}},
        {"Something": {"Strategy": "Forever"}},
    ],
)
def test_wrong_defaults(policies: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        save_retention_defaults(actor=SYSTEM, space=default_space(), policies=policies)


def test_a_pass_that_was_cut_off_goes_on_with_the_next_project(
    project: Project, place: Environment
) -> None:
    deployed(project, place, 4)
    other = make_project("Api", lifecycle=project.lifecycle, steps=[script_step()])
    deployed(other, place, 4)
    task = begin()
    reached = {"Progress": {"after": project.pk, "kept": 3, "deleted": 1}}
    ServerTask.objects.in_space(task.space).filter(pk=task.pk).update(arguments=reached)
    run_retention(task.pk)
    assert (len(versions(project)), len(versions(other))) == (4, 3)
    assert "2 releases with 1 deployments and 0 artifacts deleted, 6 kept." in log_of(task)


def test_a_pass_can_be_canceled(project: Project, place: Environment) -> None:
    deployed(project, place, 4)
    task = begin()
    cancel_task(actor=SYSTEM, task=task)
    run_retention(task.pk)
    task.refresh_from_db()
    assert task.state == "Canceled"
    assert len(versions(project)) == 4


def test_only_who_administers_retention_may_ask() -> None:
    space = default_space()
    for person in (make_ben(space), make_cleo(space)):
        with pytest.raises(NotPermitted, match="RetentionAdminister"):
            request_retention(actor=person.actor, space=space, arguments={})
        with pytest.raises(NotPermitted, match="RetentionAdminister"):
            save_retention_defaults(actor=person.actor, space=space, policies={})
    assert request_retention(actor=make_ana().actor, space=space, arguments={}).kind == "Retention"
    with pytest.raises(Invalid):
        request_retention(actor=SYSTEM, space=space, arguments={"DryRun": "perhaps"})


def test_each_space_gets_a_pass_every_four_hours() -> None:
    def at(moment: datetime) -> int:
        return queue_due_passes(clock=lambda: moment)

    assert at(NOW) == 1
    assert at(NOW + EVERY) == 0  # the first has not ended
    task = ServerTask.objects.in_space(default_space()).get(kind="Retention")
    move(task.pk, TaskState.EXECUTING, now=NOW)
    move(task.pk, TaskState.SUCCESS, now=NOW)
    assert at(NOW + EVERY - timedelta(minutes=1)) == 0
    assert at(NOW + EVERY) == 1


def test_judging_takes_the_same_queries_for_any_number(
    project: Project, place: Environment
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            list(judged(project, default=KEEP_EVERYTHING, now=NOW))
        return len(found)

    deployed(project, place, 2)
    few = queries()
    deployed(project, place, 8)
    assert queries() == few <= 14


def test_deleting_takes_the_same_queries_for_any_number(
    project: Project, place: Environment
) -> None:
    def queries(count: int) -> int:
        deployed(project, place, count + 3)  # the current one, the one before, and one by policy
        verdicts = [v for v in judged(project, default=KEEP_EVERYTHING, now=NOW) if not v.is_kept]
        with CaptureQueriesContext(connection) as found:
            gone = delete_by_retention(actor=SYSTEM, project=project, verdicts=verdicts)
        assert len(gone) == len(verdicts) >= count
        return len(found)

    few = queries(2)
    assert queries(12) == few <= 60


def test_of_many_only_those_stay_that_came_into_use(project: Project, place: Environment) -> None:
    rows = deployed(project, place, 6)
    verdicts = [v for v in judged(project, default=KEEP_EVERYTHING, now=NOW) if not v.is_kept]
    assert [v.candidate.number for v in verdicts] == [row.release_id for row in rows[2::-1]]
    busy = rows[1].release
    make_deployment(busy, place)
    gone = delete_by_retention(actor=SYSTEM, project=project, verdicts=verdicts)
    assert set(gone) == {rows[0].release_id, rows[2].release_id}
    assert {each.deployments for each in gone.values()} == {1}
    assert busy.version in versions(project)
    told = Event.objects.filter(category="Deleted").order_by("-pk")
    assert [event.subject_id for event in told] == [f"Releases-{number}" for number in sorted(gone)]
    related = told[0].related.values_list("document_id", flat=True)
    assert {project.public_id, rows[0].public_id} <= set(related)
    assert told[0].changes[1] == {"property": "Deployments", "before": 1, "after": None}
