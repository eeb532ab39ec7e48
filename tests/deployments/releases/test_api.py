"""Releases and deployments over the REST API."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.server_tasks.models import ServerTask
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_channel,
    make_deployment,
    make_lifecycle,
    make_machine,
    make_package,
    make_project,
    make_release,
    make_variables,
    package_step,
    script_step,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(dev: Environment, prod: Environment) -> Project:
    """Web: a script on the server, then a package on targets with the tag `web`."""
    make_machine(dev, name="d1")
    make_machine(dev, name="d2")
    make_machine(prod, name="p1")
    make_package("Acme.Web", "1.0.0")
    make_package("Acme.Web", "1.1.0")
    make_package("Acme.Web", "2.0.0-beta.1")
    return make_project(
        "Web",
        lifecycle=make_lifecycle(dev, prod, name="Two steps"),
        steps=[script_step("Hello"), package_step("Acme.Web", "Deploy")],
    )


def cut(person: Any, **body: Any) -> tuple[int, Any]:
    return send(person, "post", f"{S}/releases/create/v1", {"projectName": "web", **body})


def deploy(person: Any, **body: Any) -> tuple[int, Any]:
    body = {"projectName": "Web", "releaseVersion": "0.0.1", **body}
    return send(person, "post", f"{S}/deployments/create/untenanted/v1", body)


def test_create_by_names(project: Project) -> None:
    ana = make_ana()
    extra = {"spaceId": "Spaces-1", "spaceIdOrName": "Default", "gitRef": "", "gitResources": None}
    status, answer = cut(ana, **extra)
    assert status == 201, answer
    assert answer["ReleaseVersion"] == "0.0.1"
    release = send(ana, "get", f"{S}/releases/{answer['ReleaseId']}")[1]
    assert [row["Version"] for row in release["SelectedPackages"]] == ["1.1.0"]
    assert release["ProjectDeploymentProcessSnapshotId"].startswith(
        f"deploymentprocess-{project.public_id}-s-1-"
    )
    assert cut(ana)[1]["ReleaseVersion"] == "0.0.2"
    status, answer = send(
        ana, "post", f"{S}/releases/create/v1", {"ProjectName": "Web", "ReleaseVersion": "0.0.1"}
    )
    assert status == 400
    assert answer["Errors"] == [
        (
            "Release '0.0.1' already exists for this project. Please use a different version, or"
            " look at using a mask to auto-increment the number."
        )
    ]
    status, again = cut(ana, releaseVersion="0.0.1", ignoreIfAlreadyExists=True)
    assert (status, again["ReleaseId"]) == (201, release["Id"])


@pytest.mark.parametrize(
    ("body", "version"),
    [
        ({"packageVersion": "1.0.0"}, "1.0.0"),
        ({"packages": ["Acme.Web:1.0"]}, "1.0.0"),
        ({"packages": ["Deploy:1.0.0"], "packageVersion": "1.1.0"}, "1.0.0"),
        ({"packages": ["Deploy:Acme.Web:1.0.0", "*:1.1.0"]}, "1.0.0"),
        ({"packages": ["*=1.1.0", "Other/1.0.0"]}, "1.1.0"),
        ({"packagePrerelease": "beta"}, "2.0.0-beta.1"),
    ],
)
def test_package_versions(project: Project, body: dict[str, Any], version: str) -> None:
    ana = make_ana()
    status, answer = cut(ana, **body)
    assert status == 201, answer
    release = send(ana, "get", f"{S}/releases/{answer['ReleaseId']}")[1]
    assert [row["Version"] for row in release["SelectedPackages"]] == [version]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"projectName": "Nope"}, "'Nope'"),
        ({"projectName": ""}, "ProjectName is required."),
        ({"channelName": "Nope"}, "The channel 'Nope' was not found"),
        ({"packageVersion": "9.9.9"}, "'Acme.Web' for the step 'Deploy' was not found"),
        ({"packages": ["nonsense"]}, "must have the form"),
        ({"packagePrerelease": "rc"}, "No version of the package 'Acme.Web'"),
        ({"releaseVersion": "one"}, "is not a release number"),
    ],
)
def test_what_is_refused(project: Project, body: dict[str, Any], text: str) -> None:
    ana = make_ana()
    status, error = cut(ana, **body)
    assert status == 400
    assert error["ErrorMessage"] == "There was a problem with your request."
    assert text in error["Errors"][0]


def test_channel_rules_hold_for_every_way(project: Project) -> None:
    package = {"DeploymentAction": "Deploy", "PackageReference": ""}
    make_channel(
        project, "Beta", rules=[{"Tag": "^beta", "VersionRange": "", "ActionPackages": [package]}]
    )
    ana = make_ana()
    status, answer = cut(ana, channelName="beta")
    assert status == 201
    release = send(ana, "get", f"{S}/releases/{answer['ReleaseId']}")[1]
    assert release["SelectedPackages"][0]["Version"] == "2.0.0-beta.1"
    status, error = cut(ana, channelName="Beta", packageVersion="1.0.0")
    assert status == 400
    assert (
        "does not satisfy the pre-release tag '^beta' of the channel 'Beta'" in error["Errors"][0]
    )
    assert cut(ana, channelName="Beta", packageVersion="1.0.0", ignoreChannelRules=True)[0] == 201
    body = {
        "ProjectId": project.public_id,
        "ChannelId": release["ChannelId"],
        "Version": "5.0.0",
        "SelectedPackages": [{"ActionName": "Deploy", "Version": "1.0.0"}],
    }
    assert send(ana, "post", f"{S}/releases", body)[0] == 400
    assert send(ana, "post", f"{S}/releases?ignoreChannelRules=true", body)[0] == 201


def test_life_of_a_release(project: Project, dev: Environment) -> None:
    ana = make_ana()
    release = send(ana, "get", f"{S}/releases/{cut(ana)[1]['ReleaseId']}")[1]
    path = f"{S}/releases/{release['Id']}"
    by_version = send(ana, "get", f"{S}/projects/{project.public_id}/releases/0.0.1")[1]
    assert by_version == release
    assert send(ana, "get", f"{S}/projects/{project.public_id}/releases/9.9.9")[0] == 404
    changed = {**release, "Version": "1.0.0+build", "ReleaseNotes": "New"}
    changed["SelectedPackages"][0]["Version"] = "1.0.0"
    status, answer = send(ana, "put", path, changed)
    assert (status, answer["Version"], answer["ReleaseNotes"]) == (200, "1.0.0+build", "New")
    assert answer["SelectedPackages"][0]["Version"] == "1.0.0"
    found = send(ana, "get", f"{S}/projects/web/releases?searchByVersion=BUILD")[1]
    assert found["TotalResults"] == 1
    assert send(ana, "get", f"{S}/projects/web/releases/1.0.0%2Bbuild")[0] == 200
    assert send(ana, "get", f"{path}/missingpackages")[1] == {"Packages": []}
    make_variables(project, VariableInput("New", "1"))
    before = send(ana, "get", f"{path}/deployments/template")[1]
    assert before["IsVariableSetModified"] is True
    assert [row["Name"] for row in before["PromoteTo"]] == ["Dev"]
    status, answer = send(ana, "post", f"{path}/snapshot-variables")
    assert answer["ProjectVariableSetSnapshotId"] != release["ProjectVariableSetSnapshotId"]
    snapshot = send(ana, "get", f"{S}/variables/{answer['ProjectVariableSetSnapshotId']}")[1]
    assert [row["Name"] for row in snapshot["Variables"]] == ["New"]
    process = send(
        ana, "get", f"{S}/deploymentprocesses/{release['ProjectDeploymentProcessSnapshotId']}"
    )[1]
    assert [step["Name"] for step in process["Steps"]] == ["Hello", "Deploy"]
    assert send(ana, "delete", path) == (200, {})
    assert cut(ana)[1]["ReleaseVersion"] == "1.0.1"


def test_release_template(project: Project) -> None:
    ana = make_ana()
    cut(ana)
    path = f"{S}/deploymentprocesses/deploymentprocess-{project.public_id}/template?channel="
    template = send(ana, "get", path)[1]
    assert template["NextVersionIncrement"] == "0.0.2"
    assert template["LastReleaseVersion"] == "0.0.1"
    [package] = template["Packages"]
    assert package["StepName"] == "Deploy"
    assert package["VersionSelectedLastRelease"] == "1.1.0"
    assert package["FeedId"] == "feeds-builtin"


def test_deploy_by_names(project: Project, dev: Environment, prod: Environment) -> None:
    ana = make_ana()
    cut(ana)
    status, answer = deploy(
        ana,
        environmentNames=["dev"],
        skipStepNames=["hello"],
        specificMachineNames=["D1"],
        useGuidedFailure=None,
        priority="LifecycleDefault",
        runAt=None,
    )
    assert status == 201, answer
    [pair] = answer["DeploymentServerTasks"]
    deployment = send(ana, "get", f"{S}/deployments/{pair['DeploymentId']}")[1]
    assert deployment["TaskId"] == pair["ServerTaskId"]
    assert deployment["EnvironmentId"] == dev.public_id
    assert len(deployment["SkipActions"]) == 1
    assert len(deployment["SpecificMachineIds"]) == 1
    task = ServerTask.objects.in_space(default_space()).get()
    assert task.arguments == {"DeploymentId": pair["DeploymentId"]}
    assert task.concurrency_tag == f"{project.public_id}/{dev.public_id}"
    assert task.description == "Deploy Web release 0.0.1 to Dev"
    listed = send(ana, "get", f"{S}/deployments?ids={pair['DeploymentId']}&take=1")[1]
    # Lists leave the changes out.
    assert listed["Items"] == [{**deployment, "Changes": [], "ChangesMarkdown": ""}]
    assert send(ana, "get", f"{S}/deployments?environments={prod.public_id}")[1]["Items"] == []


def test_one_bad_environment_creates_nothing(project: Project) -> None:
    ana = make_ana()
    cut(ana)
    status, error = deploy(ana, environmentNames=["Dev", "Prod"])
    assert status == 400
    assert error["Errors"] == [
        (
            "Prod: Release '0.0.1' cannot be deployed to 'Prod' yet: it must first be deployed"
            " successfully to all environments of the phase 'Dev'."
        )
    ]
    assert send(ana, "get", f"{S}/deployments")[1]["TotalResults"] == 0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"environmentNames": ["Mars"]}, "The environment 'Mars' does not exist"),
        ({"environmentNames": []}, "EnvironmentNames is required."),
        ({"environmentNames": ["Dev"], "releaseVersion": "7"}, "has no release '7'"),
        ({"environmentNames": ["Dev"], "specificMachineNames": ["x"]}, "'x' does not exist"),
        ({"environmentNames": ["Dev"], "specificMachineNames": ["p1"]}, "None of p1 is in"),
        ({"environmentNames": ["Dev"], "skipStepNames": ["x"]}, "no step named 'x'"),
        ({"environmentNames": ["Dev"], "runAt": "soon"}, "date"),
        (
            {"environmentNames": ["Dev"], "runAt": "2100-01-01T00:00:00Z"},
            "at most 30 days from now",
        ),
        ({"environmentNames": ["Dev"], "variables": {"X": "1"}}, "no prompted variable 'X'"),
    ],
)
def test_what_is_not_deployed(project: Project, body: dict[str, Any], text: str) -> None:
    ana = make_ana()
    make_release(project)
    status, error = deploy(ana, **body)
    assert status == 400, error
    assert text in " ".join(error["Errors"])


def test_progression_and_preview(project: Project, dev: Environment, prod: Environment) -> None:
    ana = make_ana()
    release = make_release(project)
    make_deployment(release, dev, state="Success")
    path = f"{S}/releases/{release.public_id}"
    progression = send(ana, "get", f"{path}/progression")[1]
    assert [phase["Progress"] for phase in progression["Phases"]] == ["Complete", "Current"]
    assert progression["NextDeployments"] == [prod.public_id]
    assert progression["Phases"][0]["Deployments"][0]["Task"]["State"] == "Success"
    preview = send(ana, "get", f"{path}/deployments/preview/{prod.public_id}")[1]
    steps = preview["StepsToExecute"]
    assert [(row["ActionNumber"], row["MachineNames"]) for row in steps] == [
        ("1", []),
        ("2", ["p1"]),
    ]
    body = {"DeploymentPreviews": [{"EnvironmentId": dev.public_id}]}
    [other] = send(ana, "post", f"{path}/deployments/previews", body)[1]
    assert other["StepsToExecute"][1]["MachineNames"] == ["d1", "d2"]
    whole = send(ana, "get", f"{S}/projects/{project.public_id}/progression")[1]
    assert [row["Name"] for row in whole["Environments"]] == ["Dev", "Prod"]
    items = whole["Releases"][0]["Deployments"]
    assert items[dev.public_id][0]["State"] == "Success"
    assert send(ana, "get", f"{S}/progression/{project.public_id}")[1] == whole
    summary = send(ana, "get", f"{S}/projects/{project.public_id}/summary")[1]
    assert summary["HasBeenSuccessfullyDeployed"] is True


def test_create_by_ids(project: Project, dev: Environment) -> None:
    ana = make_ana()
    release = make_release(project)
    body = {
        "ReleaseId": release.public_id,
        "EnvironmentId": dev.public_id,
        "TenantId": "",
        "ForcePackageDownload": True,
        "Comments": "go",
    }
    status, deployment = send(ana, "post", f"{S}/deployments", body)
    assert status == 201, deployment
    assert deployment["ForcePackageDownload"] is True
    assert deployment["Comments"] == "go"
    listed = send(ana, "get", f"{S}/releases/{release.public_id}/deployments")[1]
    assert [row["Id"] for row in listed["Items"]] == [deployment["Id"]]
    assert send(ana, "delete", f"{S}/releases/{release.public_id}")[0] == 400
    assert send(ana, "delete", f"{S}/projects/{project.public_id}")[0] == 400


def test_people_do_what_is_theirs(project: Project, dev: Environment, prod: Environment) -> None:
    release = make_release(project)
    make_deployment(release, dev, state="Success")
    ben, cleo = make_ben(default_space(), dev.public_id), make_cleo(default_space())
    dan = make_dan(make_space("Other"))
    status, error = deploy(ben, environmentNames=["Prod"])
    assert status == 400  # he does not even see it
    assert "'Prod' does not exist or you may not see it" in error["Errors"][0]
    assert deploy(ben, environmentNames=["Dev"])[0] == 201
    template = send(ben, "get", f"{S}/releases/{release.public_id}/deployments/template")[1]
    assert [row["Name"] for row in template["PromoteTo"]] == ["Dev"]
    status, error = deploy(cleo, environmentNames=["Dev"])
    assert status == 403
    assert "DeploymentCreate" in error["ErrorMessage"]
    assert cut(cleo)[0] == 403
    assert send(cleo, "get", f"{S}/releases/{release.public_id}")[0] == 200
    assert send(dan, "get", f"{S}/releases/{release.public_id}")[0] == 404
    assert cut(dan)[0] == 404


@pytest.mark.parametrize("path", ["releases", "deployments", "projects/web/progression"])
def test_lists_cost_the_same_for_many_rows(project: Project, dev: Environment, path: str) -> None:
    ana = make_ana()
    make_deployment(make_release(project), dev)
    send(ana, "get", f"{S}/{path}")
    with CaptureQueriesContext(connection) as few:
        send(ana, "get", f"{S}/{path}?take=100")
    for _ in range(5):
        make_deployment(make_release(project), dev)
    with CaptureQueriesContext(connection) as many:
        send(ana, "get", f"{S}/{path}?take=100")
    assert len(many) == len(few)
