"""Runbooks over the REST API, as Octopus's own clients use it, and who may do what."""

from typing import Any

import pytest

from deployments.projects.models import Project
from tests.deployments.calls import S, send
from tests.factories import (
    default_space,
    make_ana,
    make_ben,
    make_cleo,
    make_dan,
    make_space,
)
from tests.factories.domain import make_environment, make_project, script_step
from tests.factories.runbooks import make_runbook, make_snapshot

pytestmark = pytest.mark.django_db


def body_of(project: Project, **more: Any) -> dict[str, Any]:
    return {
        "Name": "Clean",
        "ProjectId": project.public_id,
        "EnvironmentScope": "All",
        "Environments": [],
        "MultiTenancyMode": "Untenanted",
        "DefaultGuidedFailureMode": "EnvironmentDefault",
        "ConnectivityPolicy": {"AllowDeploymentsToNoTargets": True},
        "RunRetentionPolicy": {"QuantityToKeep": 50, "ShouldKeepForever": False},
        **more,
    }


def test_from_a_runbook_to_a_run() -> None:
    ana, project, place = make_ana(), make_project("Shop"), make_environment("Staging")
    below = f"{S}/projects/{project.public_id}"
    status, runbook = send(ana, "post", f"{below}/runbooks", body_of(project))
    assert (status, runbook["Slug"], runbook["PublishedRunbookSnapshotId"]) == (201, "clean", None)
    assert runbook["RunRetentionPolicy"]["QuantityToKeep"] == 50
    status, process = send(ana, "get", f"{below}/runbookProcesses/{runbook['RunbookProcessId']}")
    assert (status, process["RunbookId"], process["Steps"]) == (200, runbook["Id"], [])
    process["Steps"] = [script_step("Sweep")]
    status, process = send(ana, "put", f"{S}/runbookProcesses/{process['Id']}", process)
    assert (status, process["Steps"][0]["Name"]) == (200, "Sweep")
    run_body = {
        "projectName": "Shop",
        "runbookName": "clean",
        "environmentNames": ["Staging"],
        "spaceId": "Spaces-1",
    }
    status, refused = send(ana, "post", f"{S}/runbook-runs/create/v1", run_body)
    assert status == 400
    assert "has no published snapshot" in refused["Errors"][0]
    template = send(ana, "get", f"{S}/runbooks/{runbook['Id']}/runbookSnapshotTemplate")[1]
    snapshot_body = {
        "ProjectId": project.public_id,
        "RunbookId": runbook["Id"],
        "Name": template["NextNameIncrement"],
        "SelectedPackages": [],
    }
    status, snapshot = send(ana, "post", f"{S}/runbookSnapshots?publish=true", snapshot_body)
    assert (status, snapshot["Name"]) == (201, template["NextNameIncrement"])
    status, made = send(ana, "post", f"{S}/runbook-runs/create/v1", run_body)
    assert status == 201
    [task] = made["RunbookRunServerTasks"]
    [run] = send(ana, "get", f"{S}/runbookRuns?ids={task['RunbookRunId']}")[1]["Items"]
    assert run["TaskId"] == task["ServerTaskId"]
    assert run["RunbookSnapshotId"] == snapshot["Id"]
    assert run["EnvironmentId"] == place.public_id
    assert send(ana, "get", f"{S}/tasks/{run['TaskId']}")[1]["Name"] == "RunbookRun"


def test_publishing_an_old_snapshot_by_changing_the_runbook() -> None:
    ana, project = make_ana(), make_project()
    runbook = make_runbook(project)
    old, new = make_snapshot(runbook), make_snapshot(runbook)
    path = f"{S}/runbooks/{runbook.public_id}"
    body = send(ana, "get", path)[1]
    assert body["PublishedRunbookSnapshotId"] == new.public_id
    status, answer = send(ana, "put", path, {**body, "PublishedRunbookSnapshotId": old.public_id})
    assert (status, answer["PublishedRunbookSnapshotId"]) == (200, old.public_id)
    found = send(ana, "get", f"{S}/projects/{project.public_id}/runbookSnapshots/{new.name}")[1]
    assert found["Id"] == new.public_id
    listed = send(ana, "get", f"{path}/runbookSnapshots")[1]["Items"]
    assert [row["Id"] for row in listed] == [new.public_id, old.public_id]


def test_preview_and_run_by_ids() -> None:
    ana, place = make_ana(), make_environment()
    runbook = make_runbook(make_project(), "Clean", script_step("Sweep"))
    make_snapshot(runbook)
    path = f"{S}/runbooks/{runbook.public_id}"
    [offered] = send(ana, "get", f"{path}/runbookRunTemplate")[1]["PromoteTo"]
    preview = send(ana, "get", offered["Links"]["Preview"])[1]
    assert [step["ActionName"] for step in preview["StepsToExecute"]] == ["Sweep"]
    body = {"RunbookId": runbook.public_id, "EnvironmentId": place.public_id}
    status, run = send(ana, "post", f"{S}/runbookRuns", body)
    assert (status, run["RunbookId"]) == (201, runbook.public_id)
    skipped = {**body, "SkipActions": ["nothing"]}
    assert send(ana, "post", f"{S}/runbookRuns", skipped)[0] == 400
    [listed] = send(ana, "get", f"{S}/runbookRuns?runbooks={runbook.public_id}")[1]["Items"]
    assert listed["Id"] == run["Id"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"EnvironmentScope": "Some"}, "EnvironmentScope"),
        ({"Environments": ["Environments-999999999"]}, "Environments"),
        ({"Environments": "Environments-1"}, "Environments"),
        ({"MultiTenancyMode": "Both"}, "MultiTenancyMode"),
        ({"RunRetentionPolicy": {"QuantityToKeep": 0}}, "RunRetentionPolicy"),
        ({"RunRetentionPolicy": 3}, "RunRetentionPolicy"),
        ({"ConnectivityPolicy": {"SkipMachineBehavior": "All"}}, "SkipMachineBehavior"),
        ({"ForcePackageDownload": "yes"}, "ForcePackageDownload"),
        ({"Name": ""}, "Name"),
    ],
)
def test_wrong_runbooks(wrong: dict[str, Any], field: str) -> None:
    ana, project = make_ana(), make_project()
    status, answer = send(ana, "post", f"{S}/runbooks", body_of(project, **wrong))
    assert status == 400
    assert field in str(answer)


def test_who_may_do_what() -> None:
    project, place = make_project(), make_environment("Staging")
    runbook = make_runbook(project)
    make_snapshot(runbook)
    path = f"{S}/runbooks/{runbook.public_id}"
    run = {"RunbookId": runbook.public_id, "EnvironmentId": place.public_id}
    freeze = {"ProjectId": project.public_id, "RunbookId": runbook.public_id}
    people = [
        make_ana(),
        make_ben(default_space(), place.public_id),
        make_cleo(default_space()),
        make_dan(make_space()),
    ]
    seen = [send(person, "get", path)[0] for person in people]
    assert seen == [200, 200, 200, 404]
    ran = [send(person, "post", f"{S}/runbookRuns", run)[0] for person in people]
    assert ran == [201, 201, 403, 404]
    frozen = [send(person, "post", f"{S}/runbookSnapshots", freeze)[0] for person in people]
    assert frozen == [201, 201, 403, 404]
    deleted = [send(person, "delete", path)[0] for person in reversed(people)]
    assert deleted == [404, 403, 400, 400]  # a run waits
