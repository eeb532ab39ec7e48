"""Steps that last, from the REST API to real agents and back."""

import io
import re
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from tests.clients.targets import Target, start_targets
from tests.factories.archives import application, zip_bytes
from tests.support.processes import Processes, wait_until
from tests.support.server import API_KEY, OctopusServer

S = "/api/Spaces-1"


def follow(server: OctopusServer, task_id: str, *, seconds: float = 60) -> dict[str, Any]:
    """Wait for the end of a task and return it."""
    wait_until(
        lambda: server.call("GET", f"{S}/tasks/{task_id}")["IsCompleted"],
        seconds=seconds,
        what=task_id,
    )
    task: dict[str, Any] = server.call("GET", f"{S}/tasks/{task_id}")
    return task


def raw(server: OctopusServer, task_id: str) -> str:
    """Return the words of a task's whole log."""
    details = server.call("GET", f"{S}/tasks/{task_id}/details?verbose=true&tail=1000")
    found: list[str] = []

    def walk(node: dict[str, Any]) -> None:
        found.extend(line["MessageText"] for line in node["LogElements"])
        for child in node["Children"]:
            walk(child)

    for root in details["ActivityLogs"]:
        walk(root)
    return "\n".join(found)


def test_health_of_real_agents(
    octopus: OctopusServer, processes: Processes, tmp_path: Path
) -> None:
    place = octopus.call("POST", f"{S}/environments", {"Name": "Ward"})
    start_targets(
        processes, octopus, tmp_path, [Target("ward-east", ["Ward"]), Target("ward-west", ["Ward"])]
    )
    policy = octopus.call("GET", f"{S}/machinepolicies/all")[0]
    policy["MachineHealthCheckPolicy"]["BashHealthCheckPolicy"] = {
        "RunType": "Inline",
        "ScriptBody": 'case "#{Octopus.Machine.Name}" in\n'
        'ward-east) echo_warning "a little full" ;;\n'
        'ward-west) fail_healthcheck "quite full" ;;\nesac\n',
    }
    octopus.call("PUT", f"{S}/machinepolicies/{policy['Id']}", policy)
    arguments = {"EnvironmentId": place["Id"]}
    asked = octopus.call("POST", f"{S}/tasks", {"Name": "Health", "Arguments": arguments})
    task = follow(octopus, asked["Id"])
    assert task["State"] == "Failed"
    assert task["ErrorMessage"] == "1 of 2 targets failed the health check: ward-west (unhealthy)."
    found = {
        row["Name"]: (row["HealthStatus"], row["StatusSummary"])
        for row in octopus.call("GET", f"{S}/machines/all")
        if row["EnvironmentIds"] == [place["Id"]]
    }
    assert found == {
        "ward-east": ("HasWarnings", "a little full"),
        "ward-west": ("Unhealthy", "quite full"),
    }
    assert "ward-west: Unhealthy. quite full" in raw(octopus, task["Id"])


def step(name: str, kind: str, role: str = "", **properties: str) -> dict[str, Any]:
    """Return a step as clients send it."""
    return {
        "Name": name,
        "Properties": {"Octopus.Action.TargetRoles": role} if role else {},
        "Actions": [{"Name": name, "ActionType": kind, "Properties": properties}],
    }


def script(name: str, body: str, role: str) -> dict[str, Any]:
    return step(
        name,
        "Octopus.Script",
        role,
        **{
            "Octopus.Action.RunOnServer": "false",
            "Octopus.Action.Script.ScriptSource": "Inline",
            "Octopus.Action.Script.Syntax": "Bash",
            "Octopus.Action.Script.ScriptBody": body,
        },
    )


def make_project(
    server: OctopusServer, name: str, place: str, *steps: dict[str, Any]
) -> dict[str, Any]:
    """Create a project with the steps whose releases may go to the environment."""
    group = server.call("GET", f"{S}/projectgroups/all")[0]["Id"]
    phase = {"Name": "Only", "OptionalDeploymentTargets": [place]}
    body = {"Name": f"To {name}", "Phases": [phase]}
    lifecycle = server.call("POST", f"{S}/lifecycles", body)["Id"]
    body = {"Name": name, "ProjectGroupId": group, "LifecycleId": lifecycle}
    project: dict[str, Any] = server.call("POST", f"{S}/projects", body)
    process = server.call("GET", f"{S}/deploymentprocesses/{project['DeploymentProcessId']}")
    process["Steps"] = list(steps)
    server.call("PUT", f"{S}/deploymentprocesses/{process['Id']}", process)
    return project


def deploy(
    server: OctopusServer, project: dict[str, Any], place: str, version: str = "1.0.0"
) -> dict[str, Any]:
    return follow(server, queue(server, project, place, version))


def queue(
    server: OctopusServer, project: dict[str, Any], place: str, version: str = "1.0.0"
) -> str:
    """Release and deploy; return the id of the task."""
    body = {"projectName": project["Name"], "releaseVersion": version, "spaceId": "Spaces-1"}
    server.call("POST", f"{S}/releases/create/v1", body)
    release = server.call("GET", f"{S}/projects/{project['Id']}/releases")["Items"][0]["Id"]
    sent = {"ReleaseId": release, "EnvironmentId": place}
    return str(server.call("POST", f"{S}/deployments", sent)["TaskId"])


def test_checks_and_transfers_wait_for_no_script(
    octopus: OctopusServer, processes: Processes, tmp_path: Path
) -> None:
    place = octopus.call("POST", f"{S}/environments", {"Name": "Quay"})["Id"]
    start_targets(processes, octopus, tmp_path, [Target("quay-east", ["Quay"])])
    begun, gate = tmp_path / "begun", tmp_path / "gate"
    hold = f'touch "{begun}"; until [ -e "{gate}" ]; do sleep 0.1; done\n'
    holding = queue(
        octopus, make_project(octopus, "Holds", place, script("Hold", hold, "web")), place
    )
    wait_until(begun.exists, seconds=30, what="the script")
    asked = {"Name": "Health", "Arguments": {"EnvironmentId": place}}
    check = octopus.call("POST", f"{S}/tasks", asked)["Id"]
    assert follow(octopus, check)["State"] == "Success"
    push(octopus, "Acme.Crane.1.0.0.zip", make_zip())
    bring = step(
        "Bring",
        "Octopus.TransferPackage",
        "web",
        **{
            "Octopus.Action.Package.PackageId": "Acme.Crane",
            "Octopus.Action.Package.FeedId": "feeds-builtin",
            "Octopus.Action.Package.TransferPath": str(tmp_path / "files"),
        },
    )
    bringing = queue(octopus, make_project(octopus, "Brings", place, bring), place)
    wait_until(lambda: "bytes were sent" in raw(octopus, bringing), seconds=30, what="the transfer")
    assert not octopus.call("GET", f"{S}/tasks/{bringing}")["IsCompleted"]
    assert not octopus.call("GET", f"{S}/tasks/{holding}")["IsCompleted"]
    gate.touch()
    assert [follow(octopus, task)["State"] for task in (holding, bringing)] == ["Success"] * 2


def test_a_release_checks_transfers_and_deploys_another(
    octopus: OctopusServer, processes: Processes, tmp_path: Path
) -> None:
    place = octopus.call("POST", f"{S}/environments", {"Name": "Port"})["Id"]
    start_targets(processes, octopus, tmp_path, [Target("port-east", ["Port"])])
    data = make_zip()
    push(octopus, "Acme.Data.1.0.0.zip", data)
    files = tmp_path / "files"
    child = make_project(
        octopus,
        "Child",
        place,
        step(
            "Bring",
            "Octopus.TransferPackage",
            "web",
            **{
                "Octopus.Action.Package.PackageId": "Acme.Data",
                "Octopus.Action.Package.FeedId": "feeds-builtin",
                "Octopus.Action.Package.TransferPath": "#{Folder}",
            },
        ),
        script(
            "Tell",
            'set_octopusvariable Place "$(get_octopusvariable'
            ' "Octopus.Action[Bring].Output.Package.FilePath")"\n',
            "web",
        ),
    )
    body = {"projectName": "Child", "releaseVersion": "1.0.0", "spaceId": "Spaces-1"}
    octopus.call("POST", f"{S}/releases/create/v1", body)
    prefix = "Octopus.Action.DeployRelease"
    parent = make_project(
        octopus,
        "Parent",
        place,
        step("Look", "Octopus.HealthCheck", "web"),
        step(
            "Deploy the child",
            "Octopus.DeployRelease",
            **{f"{prefix}.ProjectId": child["Id"], f"{prefix}.Variables": f"Folder = {files}"},
        ),
        script(
            "After",
            'echo "it is at #{Octopus.Action[Deploy the child].Output.Deployment[Tell].Place}"',
            "web",
        ),
    )
    task = deploy(octopus, parent, place)
    log = raw(octopus, task["Id"])
    assert task["State"] == "Success", log
    placed = files / "Acme.Data.1.0.0.zip"
    assert placed.read_bytes() == data
    assert f"it is at {placed}" in log


def test_a_newer_version_comes_as_a_patch_and_is_exactly_the_package(
    octopus: OctopusServer, processes: Processes, tmp_path: Path
) -> None:
    place = octopus.call("POST", f"{S}/environments", {"Name": "Patched"})["Id"]
    start_targets(processes, octopus, tmp_path, [Target("patched-east", ["Patched"])])
    files = tmp_path / "files"
    bring = step(
        "Bring",
        "Octopus.TransferPackage",
        "web",
        **{
            "Octopus.Action.Package.PackageId": "Acme.Patched",
            "Octopus.Action.Package.FeedId": "feeds-builtin",
            "Octopus.Action.Package.TransferPath": str(files),
        },
    )
    project = make_project(octopus, "Patched", place, bring)
    for number, expected in ((1, "the whole package"), (2, "a patch of an older version")):
        data = zip_bytes(application(number), year=2000 + number)
        push(octopus, f"Acme.Patched.{number}.0.0.zip", data)
        task = deploy(octopus, project, place, f"{number}.0.0")
        log = raw(octopus, task["Id"])
        assert task["State"] == "Success", log
        assert (files / f"Acme.Patched.{number}.0.0.zip").read_bytes() == data
        said = re.search(r"\(([0-9]+) bytes\); ([0-9]+) bytes were sent: ([a-z ]+)", log)
        assert said is not None, log
        assert (int(said[1]), said[3].startswith(expected)) == (len(data), True)
        assert int(said[2]) <= (len(data) if number == 1 else len(data) * 0.06)


def make_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.txt", "some data")
    return buffer.getvalue()


def push(server: OctopusServer, name: str, data: bytes) -> None:
    """Push a package as curl would."""
    edge = "octopus-edge"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'
    request = urllib.request.Request(
        f"{server.url}{S}/packages/raw",
        data=head.encode() + data + f"\r\n--{edge}--\r\n".encode(),
        headers={
            "X-Octopus-ApiKey": API_KEY,
            "Content-Type": f"multipart/form-data; boundary={edge}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in {200, 201}


def test_a_runbook_runs_on_an_agent(
    octopus: OctopusServer, processes: Processes, tmp_path: Path
) -> None:
    place = octopus.call("POST", f"{S}/environments", {"Name": "Yard"})
    start_targets(processes, octopus, tmp_path, [Target("yard-east", ["Yard"])])
    project = make_project(octopus, "Shop", place["Id"])
    runbook = octopus.call("POST", f"{S}/runbooks", {"Name": "Clean", "ProjectId": project["Id"]})
    path = f"{S}/runbookProcesses/{runbook['RunbookProcessId']}"
    process = octopus.call("GET", path)
    known = "#{Octopus.Runbook.Name} #{Octopus.RunbookSnapshot.Name} #{Octopus.Machine.Name}"
    process["Steps"] = [script("Sweep", f'echo "{known}"', "web")]
    octopus.call("PUT", path, process)
    frozen = {"ProjectId": project["Id"], "RunbookId": runbook["Id"], "Name": "Spring"}
    octopus.call("POST", f"{S}/runbookSnapshots?publish=true", frozen)
    asked = {"projectName": "Shop", "runbookName": "Clean", "environmentNames": ["Yard"]}
    made = octopus.call("POST", f"{S}/runbook-runs/create/v1", asked)
    [started] = made["RunbookRunServerTasks"]
    task = follow(octopus, started["ServerTaskId"])
    assert (task["State"], task["Name"]) == ("Success", "RunbookRun")
    assert "Clean Spring yard-east" in raw(octopus, task["Id"])
    run = octopus.call("GET", f"{S}/runbookRuns/{started['RunbookRunId']}")
    machines = {row["Name"]: row["Id"] for row in octopus.call("GET", f"{S}/machines/all")}
    assert run["DeployedToMachineIds"] == [machines["yard-east"]]
    assert run["EnvironmentId"] == place["Id"]
    events = octopus.call("GET", f"{S}/events?regarding={started['RunbookRunId']}")["Items"]
    assert [event["Category"] for event in events] == [
        "RunbookRunSucceeded",
        "RunbookRunStarted",
        "RunbookRunQueued",
    ]
