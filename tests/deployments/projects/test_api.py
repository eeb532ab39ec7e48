"""Projects, groups, lifecycles, channels, processes and variables over the REST API."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.library.services import VariableInput
from deployments.projects.models import DeploymentProcess, Project
from deployments.projects.queries import default_channel
from tests.deployments.calls import S, send
from tests.factories import (
    Person,
    default_space,
    make_ana,
    make_ben,
    make_cleo,
    make_dan,
    make_space,
)
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_variables,
    package_step,
    script_step,
)
from tests.factories.runbooks import make_runbook, make_snapshot

pytestmark = pytest.mark.django_db


def created_project(ana: Person, name: str = "Web") -> dict[str, Any]:
    [group] = send(ana, "get", f"{S}/projectgroups?take=1")[1]["Items"]
    [lifecycle] = send(ana, "get", f"{S}/lifecycles?take=1")[1]["Items"]
    body = {"Name": name, "projectGroupId": group["Id"], "LifecycleId": lifecycle["Id"], "Id": ""}
    status, project = send(ana, "post", f"{S}/projects", body)
    assert status == 201, project
    return dict(project)


def test_life_of_a_project() -> None:
    ana = make_ana()
    project = created_project(ana)
    assert project["Slug"] == "web"
    assert project["VariableSetId"] == f"variableset-{project['Id']}"
    assert project["IsVersionControlled"] is False
    assert project["VersioningStrategy"]["Template"].startswith("#{Octopus.Version.LastMajor}")
    assert project["ProjectConnectivityPolicy"]["AllowDeploymentsToNoTargets"] is False
    path = f"{S}/projects/{project['Id']}"
    assert send(ana, "get", f"{S}/projects/web")[1]["Id"] == project["Id"]
    assert send(ana, "get", f"{S}/projects/Web%20Site")[0] == 404
    assert send(ana, "get", f"{S}/projects?partialName=WE")[1]["TotalResults"] == 1
    changed = {**project, "IsDisabled": True, "DefaultGuidedFailureMode": "On"}
    status, answer = send(ana, "put", path, changed)
    assert (status, answer["IsDisabled"], answer["DefaultGuidedFailureMode"]) == (200, True, "On")
    status, settings = send(ana, "get", f"{path}/deploymentsettings")
    assert settings["DefaultGuidedFailureMode"] == "On"
    assert settings["Id"] == f"deploymentsettings-{project['Id']}"
    settings["ConnectivityPolicy"]["AllowDeploymentsToNoTargets"] = True
    assert send(ana, "put", f"{path}/deploymentsettings", settings)[0] == 200
    answer = send(ana, "get", path)[1]
    assert answer["ProjectConnectivityPolicy"]["AllowDeploymentsToNoTargets"] is True
    assert send(ana, "delete", path) == (200, {})
    assert send(ana, "get", path)[0] == 404


def test_a_project_needs_a_name_a_group_and_a_lifecycle() -> None:
    ana = make_ana()
    status, error = send(ana, "post", f"{S}/projects", {"Description": "x"})
    assert status == 400
    assert error["Errors"] == ["Name is required."]
    status, error = send(ana, "post", f"{S}/projects", {"Name": "x"})
    assert (status, error["Errors"]) == (400, ["ProjectGroupId is required."])
    created_project(ana)
    [group] = send(ana, "get", f"{S}/projectgroups/all")[1]
    body = {"Name": "WEB", "ProjectGroupId": group["Id"], "LifecycleId": "Lifecycles-1"}
    status, error = send(ana, "post", f"{S}/projects", body)
    assert status == 400
    assert "already exists" in error["Errors"][0]


def test_clone_a_project() -> None:
    ana = make_ana()
    source = make_project("Web", steps=[script_step("Hello")])
    process = DeploymentProcess.objects.in_space(source.space).get(project=source)
    secret = {"HasValue": True, "NewValue": "hunter22"}
    body = send(ana, "get", f"{S}/deploymentprocesses/{process.public_id}")[1]
    body["Steps"][0]["Actions"][0]["Properties"]["Password"] = secret
    assert send(ana, "put", f"{S}/deploymentprocesses/{process.public_id}", body)[0] == 200
    make_variables(
        source,
        VariableInput("Db", "x"),
        VariableInput("Key", "top secret", is_sensitive=True),
    )
    old = default_channel(source).public_id
    source.extra = {
        "AutoDeployReleaseOverrides": [{"EnvironmentId": "Environments-1"}],
        "ReleaseCreationStrategy": {"ChannelId": old, "ReleaseCreationPackage": None},
    }
    source.save()
    status, clone = send(ana, "post", f"{S}/projects?clone={source.public_id}", {"Name": "Web 2"})
    assert status == 201, clone
    new = default_channel(Project.objects.in_space(source.space).get(name="Web 2")).public_id
    assert clone["ReleaseCreationStrategy"]["ChannelId"] == new
    assert clone["AutoDeployReleaseOverrides"] == []
    assert clone["ClonedFromProjectId"] == source.public_id
    steps = send(ana, "get", f"{S}/projects/{clone['Id']}/deploymentprocesses")[1]["Steps"]
    assert [step["Name"] for step in steps] == ["Hello"]
    assert steps[0]["Actions"][0]["Properties"]["Password"] == {"HasValue": True, "NewValue": None}
    variables = send(ana, "get", f"{S}/variables/{clone['VariableSetId']}")[1]["Variables"]
    assert [(row["Name"], row["Value"]) for row in variables] == [("Db", "x"), ("Key", None)]


def test_a_clone_has_the_runbooks_and_nothing_of_them_is_published() -> None:
    ana, source = make_ana(), make_project("Web")
    limited = script_step("Sweep", Channels=[default_channel(source).public_id])
    runbook = make_runbook(source, "Clean", limited, MultiTenancyMode="Tenanted")
    make_snapshot(runbook)
    make_variables(source, VariableInput("Level", "x", scope={"ProcessOwner": [runbook.public_id]}))
    status, clone = send(ana, "post", f"{S}/projects?clone={source.public_id}", {"Name": "Web 2"})
    assert status == 201
    [copy] = send(ana, "get", f"{S}/projects/{clone['Id']}/runbooks")[1]["Items"]
    assert (copy["Name"], copy["Slug"], copy["MultiTenancyMode"]) == ("Clean", "clean", "Tenanted")
    assert copy["PublishedRunbookSnapshotId"] is None
    process = send(ana, "get", f"{S}/runbookProcesses/{copy['RunbookProcessId']}")[1]
    [action] = process["Steps"][0]["Actions"]
    new = default_channel(Project.objects.in_space(source.space).get(name="Web 2"))
    assert action["Channels"] == [new.public_id]
    [variable] = send(ana, "get", f"{S}/variables/{clone['VariableSetId']}")[1]["Variables"]
    assert variable["Scope"] == {"ProcessOwner": [copy["Id"]]}


def test_lifecycles_with_phases() -> None:
    ana = make_ana()
    dev, prod = make_environment("Dev"), make_environment("Prod")
    body = {
        "Name": "Two steps",
        "Phases": [
            {"Name": "Dev", "OptionalDeploymentTargets": [dev.public_id], "Id": ""},
            {"Name": "Prod", "AutomaticDeploymentTargets": [prod.public_id]},
        ],
        "ReleaseRetentionPolicy": {"Unit": "Items", "QuantityToKeep": 3},
    }
    status, lifecycle = send(ana, "post", f"{S}/lifecycles", body)
    assert status == 201, lifecycle
    assert len(lifecycle["Phases"][0]["Id"]) == 36
    assert lifecycle["Phases"][1]["AutomaticDeploymentTargets"] == [prod.public_id]
    assert lifecycle["ReleaseRetentionPolicy"]["Strategy"] == "Count"
    assert lifecycle["TentacleRetentionPolicy"]["ShouldKeepForever"] is True
    path = f"{S}/lifecycles/{lifecycle['Id']}"
    lifecycle["Phases"][1]["OptionalDeploymentTargets"] = [dev.public_id]
    status, error = send(ana, "put", path, lifecycle)
    assert status == 400
    assert "more than one place" in error["Errors"][0]
    status, changed = send(ana, "put", path, {"Name": "Two steps"})
    assert (status, changed["Phases"]) == (200, [])
    preview = send(ana, "get", f"{path}/preview")[1]
    assert [phase["Name"] for phase in preview["Phases"]] == ["Dev", "Prod"]
    make_project("Web", lifecycle=make_lifecycle(dev, prod, name="Used"))
    used = send(ana, "get", f"{S}/lifecycles?partialName=used")[1]["Items"][0]
    assert [
        row["Name"] for row in send(ana, "get", f"{S}/lifecycles/{used['Id']}/projects")[1]
    ] == ["Web"]
    assert send(ana, "delete", f"{S}/lifecycles/{used['Id']}")[0] == 400
    assert send(ana, "delete", f"{S}/environments/{dev.public_id}")[0] == 400
    assert send(ana, "delete", path)[0] == 200


def test_channels() -> None:
    ana = make_ana()
    project = make_project("Web", steps=[package_step("Acme.Web", "Deploy")])
    [default] = send(ana, "get", f"{S}/projects/{project.public_id}/channels")[1]["Items"]
    assert (default["Name"], default["IsDefault"], default["LifecycleId"]) == (
        "Default",
        True,
        None,
    )
    assert default["Type"] == "Lifecycle"
    package = {"DeploymentAction": "Deploy", "PackageReference": ""}
    body = {
        "Name": "Beta",
        "ProjectId": project.public_id,
        "IsDefault": True,
        "Rules": [{"VersionRange": "[1.0,2.0)", "Tag": "^beta", "ActionPackages": [package]}],
    }
    status, beta = send(ana, "post", f"{S}/channels", body)
    assert status == 201, beta
    assert beta["Rules"][0]["ActionPackages"] == [package]
    assert send(ana, "get", f"{S}/channels/{default['Id']}")[1]["IsDefault"] is False
    beta["Rules"][0]["VersionRange"] = "[2.0,1.0]"
    status, error = send(ana, "put", f"{S}/channels/{beta['Id']}", beta)
    assert status == 400
    assert "Rule 1" in error["Errors"][0]
    assert send(ana, "delete", f"{S}/channels/{beta['Id']}")[0] == 400
    assert send(ana, "delete", f"{S}/channels/{default['Id']}")[0] == 200
    query = "version=1.0.0-beta.1&versionRange=[1.0.0-a,2.0)&preReleaseTag=^beta"
    assert send(ana, "get", f"{S}/channels/rule-test?{query}")[1]["IsValid"] is True


def test_process_is_versioned_and_keeps_what_it_does_not_know() -> None:
    ana = make_ana()
    project = make_project("Web")
    path = f"{S}/projects/{project.public_id}/deploymentprocesses"
    body = send(ana, "get", path)[1]
    assert (body["Version"], body["Steps"]) == (0, [])
    step = script_step("Hello")
    step["Id"] = ""
    step["Actions"][0]["Properties"]["Some.Future.Property"] = "x"
    step["Actions"][0]["FutureField"] = {"a": 1}
    body["Steps"] = [step]
    status, saved = send(ana, "put", path, body)
    assert (status, saved["Version"]) == (200, 1), saved
    action = saved["Steps"][0]["Actions"][0]
    assert len(action["Id"]) == 36
    assert action["Properties"]["Some.Future.Property"] == "x"
    assert action["FutureField"] == {"a": 1}
    status, error = send(ana, "put", path, body)
    assert status == 400
    assert "changed by somebody else" in error["Errors"][0]
    saved["Steps"].append(script_step("hello"))
    status, error = send(ana, "put", f"{S}/deploymentprocesses/{saved['Id']}", saved)
    assert status == 400
    assert "names must be unique" in error["Errors"][0]
    assert send(ana, "put", path, {**saved, "Steps": [1]})[0] == 400


def test_variables_are_replaced_whole() -> None:
    ana = make_ana()
    environment = make_environment("Dev")
    make_machine(environment, name="m1", roles=["web"])
    project = make_project("Web", steps=[script_step("Hello", roles="api")])
    path = f"{S}/variables/variableset-{project.public_id}"
    body = send(ana, "get", path)[1]
    values = body["ScopeValues"]
    assert values["Environments"] == [{"Id": environment.public_id, "Name": "Dev"}]
    assert [row["Id"] for row in values["Roles"]] == ["api", "web"]
    assert [row["Name"] for row in values["Actions"]] == ["Hello"]
    assert values["Processes"][0]["ProcessType"] == "Deployment"
    body["Variables"] = [
        {"Name": "Db", "Value": "x", "Scope": {"Environment": [environment.public_id]}, "Id": ""},
        {"Name": "Key", "Value": "secret one", "IsSensitive": True, "Type": "Sensitive"},
    ]
    status, saved = send(ana, "put", path, body)
    assert (status, saved["Version"]) == (200, 1)
    assert [row["Value"] for row in saved["Variables"]] == ["x", None]
    saved["Variables"][0]["Value"] = "y"
    status, again = send(ana, "put", f"{S}/projects/web/variables", saved)
    assert (status, again["Version"]) == (200, 2)
    assert [row["Id"] for row in again["Variables"]] == [row["Id"] for row in saved["Variables"]]
    assert send(ana, "put", path, saved)[0] == 400
    assert send(ana, "get", f"{S}/variables/names?project={project.public_id}")[1] == ["Db", "Key"]
    query = f"project={project.public_id}&environment={environment.public_id}"
    preview = send(ana, "get", f"{S}/variables/preview?{query}")[1]["Variables"]
    assert {row["Name"] for row in preview} == {"Db", "Key"}
    bad = {**again, "Variables": [{"Name": "x", "Scope": {"Color": ["red"]}}]}
    assert send(ana, "put", path, bad)[0] == 400


def test_people_see_what_is_theirs() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    project = make_project("Web")
    make_variables(
        project,
        VariableInput("Db", "s", scope={"Environment": [staging.public_id]}),
        VariableInput("Db", "p", scope={"Environment": [production.public_id]}),
        VariableInput("Everywhere", "e"),
    )
    ben, cleo = make_ben(default_space(), staging.public_id), make_cleo(default_space())
    dan = make_dan(make_space("Other"))
    path = f"{S}/variables/variableset-{project.public_id}"
    shown = send(ben, "get", path)[1]["Variables"]
    assert "p" not in {row["Value"] for row in shown}
    assert send(cleo, "put", f"{S}/projects/{project.public_id}", {"Name": "x"})[0] == 403
    assert send(dan, "get", f"{S}/projects/{project.public_id}")[0] == 404
    other = make_project("Theirs", make_space("Third"))
    assert send(make_ana(), "get", f"{S}/projects/{other.public_id}")[0] == 404


@pytest.mark.parametrize("path", ["projects", "projectgroups", "lifecycles", "channels"])
def test_lists_cost_the_same_for_many_rows(path: str) -> None:
    ana = make_ana()
    environment = make_environment()
    make_project(lifecycle=make_lifecycle(environment))
    send(ana, "get", f"{S}/{path}")
    with CaptureQueriesContext(connection) as few:
        send(ana, "get", f"{S}/{path}?take=100")
    for _ in range(5):
        make_project(lifecycle=make_lifecycle(environment, make_environment()))
    with CaptureQueriesContext(connection) as many:
        send(ana, "get", f"{S}/{path}?take=100")
    assert len(many) == len(few)
    assert Project.objects.in_space(default_space()).count() == 6
