"""Snapshots of runbooks after they were made: names, variables, their end."""

from datetime import timedelta
from typing import Any

import pytest

from deployments.access.permissions import Permission
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.library.services import VariableInput
from deployments.projects.process import process_from_json
from deployments.projects.queries import process_of_runbook
from deployments.projects.services.processes import save_process
from deployments.releases.models import ProcessSnapshot, RunbookSnapshot, VariableSetSnapshot
from deployments.releases.services.runbook_snapshots import (
    delete_runbook,
    delete_runbook_snapshot,
    update_runbook_snapshot,
    update_variables_of_runbook_snapshot,
)
from deployments.releases.services.snapshots import sweep_snapshots
from tests.deployments.calls import S, send
from tests.factories import (
    default_space,
    make_ana,
    make_ben,
    make_cleo,
    make_dan,
    make_space,
)
from tests.factories.domain import (
    make_environment,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.people import SYSTEM, give_role
from tests.factories.runbooks import make_run, make_runbook, make_snapshot

pytestmark = pytest.mark.django_db


def test_name_and_notes_change_and_nothing_else() -> None:
    runbook = make_runbook(make_project(), "Clean")
    first, second = make_snapshot(runbook, name="One"), make_snapshot(runbook, name="Two")
    update_runbook_snapshot(actor=SYSTEM, snapshot=first, name="ONE", notes="Why")
    assert (first.name, first.notes) == ("ONE", "Why")
    for wrong, words in (("two", "has a snapshot named 'two' already"), (" ", "required")):
        with pytest.raises(Invalid, match=words):
            update_runbook_snapshot(actor=SYSTEM, snapshot=first, name=wrong, notes="")
    assert [row.name for row in RunbookSnapshot.objects.in_space(runbook.space)] == ["Two", "ONE"]
    event = Event.objects.filter(subject_id=runbook.public_id).latest("id")
    assert event.message.endswith("was described anew in the snapshot ONE")
    assert second.is_published


def test_variables_are_taken_anew_and_the_steps_stay() -> None:
    project, place = make_project(), make_environment()
    make_variables(project, VariableInput("Color", "red"))
    runbook = make_runbook(project, "Clean", script_step("Old"))
    snapshot = make_snapshot(runbook)
    make_variables(project, VariableInput("Color", "blue"))
    row = process_of_runbook(runbook)
    save_process(actor=SYSTEM, row=row, process=process_from_json([script_step("New")]))
    update_variables_of_runbook_snapshot(actor=SYSTEM, snapshot=snapshot)
    run = make_run(runbook, place)
    assert run.snapshot.variable_snapshot.variables[0]["value"] == "blue"
    assert run.snapshot.process_snapshot.steps[0]["Name"] == "Old"


def test_a_snapshot_goes_with_its_ended_runs_and_what_it_alone_had_frozen_later() -> None:
    project, place = make_project(steps=[script_step()]), make_environment()
    runbook = make_runbook(project, "Clean")
    old = make_snapshot(runbook)
    run = make_run(runbook, place, state="Success")
    waiting = make_run(runbook, place)
    with pytest.raises(Invalid, match="is published: publish another one first"):
        delete_runbook_snapshot(actor=SYSTEM, snapshot=old)
    same = make_snapshot(runbook)
    old.refresh_from_db()
    with pytest.raises(Invalid, match="while a run of it goes on"):
        delete_runbook_snapshot(actor=SYSTEM, snapshot=old)
    waiting.delete()
    delete_runbook_snapshot(actor=SYSTEM, snapshot=old)
    assert not runbook.runs.filter(pk=run.pk).exists()
    assert (
        ProcessSnapshot.objects.in_space(project.space).filter(pk=same.process_snapshot_id).exists()
    )
    make_release(project)
    delete_runbook(actor=SYSTEM, row=runbook)
    sweep_snapshots(project.space, clock=lambda: utc_now() + timedelta(days=2))
    # The process was the runbook's own; the variables are in the release as well.
    assert (
        not ProcessSnapshot.objects.in_space(project.space)
        .filter(pk=same.process_snapshot_id)
        .exists()
    )
    assert VariableSetSnapshot.objects.in_space(project.space).count() == 1


def test_who_may_change_and_delete() -> None:
    runbook = make_runbook(make_project())
    old = make_snapshot(runbook)
    make_snapshot(runbook)
    old.refresh_from_db()
    cleo = make_cleo(default_space())
    for act in (update_variables_of_runbook_snapshot, delete_runbook_snapshot):
        with pytest.raises(NotPermitted, match=Permission.RunbookEdit):
            act(actor=cleo.actor, snapshot=old)
    with pytest.raises(NotPermitted, match=Permission.RunbookEdit):
        update_runbook_snapshot(actor=cleo.actor, snapshot=old, name="New", notes="")


def test_over_rest() -> None:
    ana, project, place = make_ana(), make_project(), make_environment()
    make_variables(project, VariableInput("Color", "red"))
    runbook = make_runbook(project, "Clean")
    old = make_snapshot(runbook)
    run = make_run(runbook, place, state="Success")
    path = f"{S}/runbookSnapshots/{old.public_id}"
    body = send(ana, "get", path)[1]
    [listed] = send(ana, "get", f"{path}/runbookRuns")[1]["Items"]
    assert listed["Id"] == run.public_id
    template = send(ana, "get", f"{path}/runbookRuns/template")[1]
    assert (template["IsVariableSetModified"], len(template["PromoteTo"])) == (False, 1)
    make_variables(project, VariableInput("Color", "blue"))
    assert send(ana, "get", f"{path}/runbookRuns/template")[1]["IsVariableSetModified"] is True
    status, fresh = send(ana, "post", f"{path}/snapshot-variables")
    assert status == 200
    assert fresh["FrozenProjectVariableSetId"] != body["FrozenProjectVariableSetId"]
    status, named = send(ana, "put", path, {**body, "Name": "Spring", "Notes": "Why"})
    assert (status, named["Name"], named["Notes"]) == (200, "Spring", "Why")
    assert send(ana, "delete", path)[0] == 400
    make_snapshot(runbook)
    people = [make_dan(make_space()), make_cleo(default_space()), ana]
    assert [send(person, "put", path, named)[0] for person in people] == [404, 403, 200]
    assert [send(person, "delete", path)[0] for person in people] == [404, 403, 200]
    assert send(ana, "get", path)[0] == 404


def test_a_run_in_several_places_by_ids() -> None:
    here, there = make_environment("Here"), make_environment("There")
    runbook = make_runbook(make_project(), "Clean")
    make_snapshot(runbook, name="Spring")
    ana, path = make_ana(), f"{S}/runbooks/{runbook.public_id}/run"
    body = {"EnvironmentIds": [here.public_id, there.public_id], "Comments": "Both"}
    status, runs = send(ana, "post", path, body)
    assert status == 201
    assert [row["EnvironmentId"] for row in runs] == body["EnvironmentIds"]
    assert {row["Comments"] for row in runs} == {"Both"}
    named = {**body, "RunbookSnapshotNameOrId": "Spring"}
    assert send(ana, "post", path, named)[0] == 201
    wrong_ones: list[dict[str, Any]] = [
        {"EnvironmentIds": []},
        {"EnvironmentIds": ["Environments-999999999"]},
        {**body, "RunbookSnapshotNameOrId": "Autumn"},
        {**body, "TenantIds": ["Tenants-999999999"]},
        {**body, "TenantTagNames": ["Ring/Early"]},
    ]
    for wrong in wrong_ones:
        assert send(ana, "post", path, wrong)[0] == 400
    ben = make_ben(default_space(), here.public_id)
    status, refused = send(ben, "post", path, body)
    assert (status, "you may not see it" in str(refused)) == (400, True)
    give_role(ben.user, "userroles-projectviewer", default_space())
    status, refused = send(ben, "post", path, body)
    assert status == 400
    assert runbook.runs.count() == 4
    people = [make_cleo(default_space()), make_dan(make_space())]
    assert [send(person, "post", path, body)[0] for person in people] == [403, 404]
    assert "RunbookRunCreate" in str(refused)
