"""Passes of retention over runs of runbooks, and the page that says what they would do."""

import pytest

from deployments.base.models import Event
from deployments.execution.logs.append import write_lines
from deployments.execution.models import LogChunk
from deployments.infrastructure.models import Environment
from deployments.projects.models import Runbook
from deployments.projects.services.retention_defaults import save_retention_defaults
from deployments.releases.models import RunbookRun
from deployments.server_tasks.models import ServerTask
from tests.deployments.calls import S, send
from tests.deployments.execution.retention.test_passes import log_of, run
from tests.factories import SYSTEM, default_space, make_ana
from tests.factories.domain import make_environment, make_project
from tests.factories.runbooks import make_run, make_runbook, make_snapshot
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Environment:
    return make_environment("Staging")


def make_clean(quantity: int = 2) -> Runbook:
    policy = {"Strategy": "Count", "QuantityToKeep": quantity, "Unit": "Items"}
    runbook = make_runbook(make_project("Shop"), "Clean", RunRetentionPolicy=policy)
    make_snapshot(runbook)
    return runbook


def numbers(runbook: Runbook) -> list[int]:
    return list(runbook.runs.order_by("pk").values_list("pk", flat=True))


def test_a_pass_deletes_old_runs_with_all_that_came_of_them(place: Environment) -> None:
    runbook = make_clean()
    runs = [make_run(runbook, place, state="Success") for _ in range(4)]
    write_lines(runs[0].task, None, [("info", "hello")])
    waiting = make_run(runbook, place)
    task = run()
    assert task.state == "Success"
    assert numbers(runbook) == [runs[3].pk, waiting.pk]
    gone = [row.task_id for row in runs[:3]]
    assert not ServerTask.objects.in_space(runbook.space).filter(pk__in=gone).exists()
    assert not LogChunk.objects.in_space(runbook.space).filter(task__in=gone).exists()
    event = Event.objects.get(category="Deleted", subject_id=runbook.public_id)
    assert event.message == "3 runs of the runbook Clean of Shop were deleted by retention"
    related = set(event.related.values_list("document_id", flat=True))
    assert {row.public_id for row in runs[:3]} <= related
    text = log_of(task)
    assert f"{runs[0].public_id} in Staging deleted: 2 runs kept already" in text
    assert "3 runs of runbooks deleted, 2 kept." in text


def test_a_dry_run_names_each_with_its_reason(place: Environment) -> None:
    runbook = make_clean(1)
    old, new = (make_run(runbook, place, state="Failed") for _ in range(2))
    text = log_of(run(DryRun=True))
    assert f"{old.public_id} in Staging would be deleted: 1 run kept already" in text
    assert f"{new.public_id} in Staging kept: the last one there" in text
    assert numbers(runbook) == [old.pk, new.pk]


def test_the_default_of_the_space_counts_where_a_runbook_says_so(place: Environment) -> None:
    runbook = make_runbook(make_project())
    make_snapshot(runbook)
    runs = [make_run(runbook, place, state="Success") for _ in range(3)]
    run()
    assert RunbookRun.objects.in_space(runbook.space).count() == 3
    one = {"RunbookRetention": {"Strategy": "Count", "QuantityToKeep": 1, "Unit": "Items"}}
    save_retention_defaults(actor=SYSTEM, space=default_space(), policies=one)
    run()
    assert numbers(runbook) == [runs[2].pk]


def test_the_page_says_what_becomes_of_runs(place: Environment) -> None:
    runbook = make_clean(1)
    for _ in range(3):
        make_run(runbook, place, state="Success")
    ana, sent = Visitor(make_ana()), {"project": runbook.project.public_id, "of": "runs"}
    page = text_of(ana.get("administration/retention", sent))
    assert "Would be deleted 2 Kept 1" in page
    assert "Clean in Staging Would be deleted 1 run kept already" in page
    kept = text_of(ana.get("administration/retention", {**sent, "show": "kept"}))
    assert "Clean in Staging Kept The last one there" in kept


def test_the_policy_over_rest() -> None:
    runbook, ana = make_runbook(make_project()), make_ana()
    path = f"{S}/runbooks/{runbook.public_id}"
    body = send(ana, "get", path)[1]
    assert body["RunRetentionPolicy"]["Strategy"] == "Default"
    for sent, strategy in [
        ({"QuantityToKeep": 5, "ShouldKeepForever": False}, "Count"),
        ({"QuantityToKeep": 0, "ShouldKeepForever": True}, "Forever"),
        ({"Strategy": "Default", "QuantityToKeep": 0}, "Default"),
    ]:
        status, answer = send(ana, "put", path, {**body, "RunRetentionPolicy": sent})
        assert (status, answer["RunRetentionPolicy"]["Strategy"]) == (200, strategy)
    for wrong in ({"Strategy": "Count", "QuantityToKeep": 0}, {"Strategy": "Some"}):
        assert send(ana, "put", path, {**body, "RunRetentionPolicy": wrong})[0] == 400
