"""The whole way: pushed by nuget and dotnet, released and promoted over REST, to two agents."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.targets import (
    TEMPLATE,
    Target,
    deployed,
    install_folder,
    process_steps,
    start_targets,
)
from tests.clients.wire_calls import Answer, Caller
from tests.factories.packages import nupkg
from tests.support.clients import Client
from tests.support.processes import Processes
from tests.support.server import API_KEY, OctopusServer, make_server

SITE, TOOLS = "Journey.Site", "Journey.Tools"
MACHINES = ("east", "west")
ENVIRONMENTS = ("Staging", "Production")
TOOLS_TEXT = b"nothing to replace: \xe2\x82\xac\x00\xff\r\n"


@pytest.fixture
def server(processes: Processes, tmp_path: Path) -> Iterator[OctopusServer]:
    """Give a server of this journey's own."""
    own = make_server(processes, tmp_path)
    main = own.start()
    yield own
    main.terminate()


@pytest.fixture
def caller(server: OctopusServer) -> Caller:
    return Caller(server.url, API_KEY).child()


def test_from_push_to_production(
    server: OctopusServer,
    caller: Caller,
    processes: Processes,
    nuget: Client,
    dotnet: Client,
    tmp_path: Path,
) -> None:
    push_with_nuget(nuget, server, tmp_path)
    push_with_dotnet(dotnet, server, tmp_path)
    make_project(caller, tmp_path)
    targets = [Target(name, ENVIRONMENTS) for name in MACHINES]
    start_targets(processes, server, tmp_path, targets)
    release = create_release(caller)

    refused = deploy(caller, release, "Production")
    assert refused.status == 400
    assert "Production" in refused.json["Errors"][0]
    for environment in ENVIRONMENTS:
        task = follow(caller, deploy(caller, release, environment))
        check_task(caller, task, environment, release)
        check_files(tmp_path, environment, release)
        check_artifacts(caller, task)
    check_progression(caller)


def push_with_nuget(nuget: Client, server: OctopusServer, folder: Path) -> None:
    package = folder / f"{SITE}.1.0.0.nupkg"
    package.write_bytes(nupkg(SITE, "1.0.0", content=TEMPLATE))
    source = ("-Source", f"{server.url}/nuget/packages")
    pushed = nuget.run("push", package.name, API_KEY, *source, cwd=folder)
    assert "Your package was pushed" in pushed.stdout


def push_with_dotnet(dotnet: Client, server: OctopusServer, folder: Path) -> None:
    package = folder / f"{TOOLS}.2.1.0-rc.1.nupkg"
    package.write_bytes(nupkg(TOOLS, "2.1.0-rc.1", content=TOOLS_TEXT))
    source = f"{server.url}/nuget/v3/index.json"
    dotnet.run("nuget", "push", str(package), "-k", API_KEY, "-s", source)


def make_project(caller: Caller, folder: Path) -> None:
    for name in ENVIRONMENTS:
        body = {"name": name}
        made = {"send": "POST /api/Spaces-1/environments", "body": body, "status": 201}
        caller.run({**made, "keep": {name: "Id"}})
    phases = [{"name": n, "optionalDeploymentTargets": [f"{{{n}}}"]} for n in ENVIRONMENTS]
    caller.run(
        {
            "send": "POST /api/Spaces-1/lifecycles",
            "body": {"name": "Two steps", "phases": phases},
            "status": 201,
            "keep": {"lifecycle": "Id"},
        }
    )
    caller.run({"send": "GET /api/Spaces-1/projectgroups/all", "keep": {"group": "0.Id"}})
    caller.run(
        {
            "send": "POST /api/Spaces-1/projects",
            "body": {"name": "Shop", "projectGroupId": "{group}", "lifecycleId": "{lifecycle}"},
            "status": 201,
            "keep": {"project": "Id"},
        }
    )
    caller.run(
        {
            "send": "PUT /api/Spaces-1/projects/{project}/deploymentprocesses",
            "body": {"version": 0, "steps": process_steps(folder, [SITE, TOOLS])},
        }
    )


def create_release(caller: Caller) -> str:
    """Create a release of the newest stable site and the named pre-release of the tools."""
    made = caller.run(
        {
            "send": "POST /api/Spaces-1/releases/create/v1",
            "body": {"projectName": "Shop", "packages": [f"{TOOLS}:2.1.0-rc.1"]},
            "status": 201,
            "keep": {"release": "ReleaseId"},
        }
    )
    selected = caller.run({"send": "GET /api/Spaces-1/releases/{release}"}).json
    versions = [(each["StepName"], each["Version"]) for each in selected["SelectedPackages"]]
    assert sorted(versions) == [(f"Deploy {SITE}", "1.0.0"), (f"Deploy {TOOLS}", "2.1.0-rc.1")]
    assert made.json["ReleaseVersion"] == "0.0.1"
    return "0.0.1"


def deploy(caller: Caller, release: str, environment: str) -> Answer:
    body = {"projectName": "Shop", "releaseVersion": release, "environmentNames": [environment]}
    path = "/api/Spaces-1/deployments/create/untenanted/v1"
    return caller.send({"send": f"POST {path}", "body": body})


def follow(caller: Caller, made: Answer) -> str:
    """Wait for the end of the task; returns its id."""
    assert made.status == 201, made.text
    task_id: str = made.json["DeploymentServerTasks"][0]["ServerTaskId"]
    wait = {"send": f"GET /api/tasks/{task_id}", "until": {"IsCompleted": True}}
    task = caller.run(wait).json
    raw = caller.run({"send": f"GET /api/tasks/{task_id}/raw"}).text
    assert task["State"] == "Success", f"{task['ErrorMessage']}\n{raw}"
    return task_id


def check_task(caller: Caller, task_id: str, environment: str, release: str) -> None:
    details = caller.run({"send": f"GET /api/tasks/{task_id}/details?verbose=true"}).json
    steps = details["ActivityLogs"][0]["Children"]
    assert [step["Name"] for step in steps] == [
        "Step 1: Announce",
        "Acquire packages",
        f"Step 2: Deploy {SITE}",
        f"Step 3: Deploy {TOOLS}",
        "Step 4: Look",
    ]
    raw = caller.run({"send": f"GET /api/tasks/{task_id}/raw"}).text
    for step in steps[1:]:
        states = {child["Name"]: child["Status"] for child in step["Children"]}
        assert states == dict.fromkeys(MACHINES, "Success"), raw
    lines = [line.partition("|")[2].strip() for line in raw.splitlines()]
    assert (
        lines[lines.index("== Success: Step 1: Announce ==") :][:4].count(
            f"release {release} comes"
        )
        == 1
    ), raw
    assert f"== Success: Deploy Shop release {release} to {environment} ==" in lines
    look = lines[lines.index("== Success: Step 4: Look ==") :]
    for machine in MACHINES:
        own = look[look.index(f"== Success: {machine} ==") + 1 :]
        assert own[:3] == ["readme.txt", "readme.txt", "looked"], raw


def check_artifacts(caller: Caller, task_id: str) -> None:
    found = caller.run({"send": f"GET /api/Spaces-1/artifacts?regarding={task_id}"}).json["Items"]
    assert sorted((item["Source"], item["Filename"]) for item in found) == [
        (machine, "seen.txt") for machine in MACHINES
    ]
    content = caller.run({"send": f"GET {found[0]['Links']['Content']}"}).text
    assert content.startswith("seen on ")


def check_files(folder: Path, environment: str, release: str) -> None:
    for machine in MACHINES:
        expected: dict[str, bytes] = {
            SITE: deployed(environment, machine, release),
            TOOLS: TOOLS_TEXT,
        }
        for package_id, content in expected.items():
            root = install_folder(folder, package_id, environment, machine)
            files = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.*")}
            assert files == {"content/readme.txt": content}, (environment, machine)


def check_progression(caller: Caller) -> None:
    progression: dict[str, Any] = caller.run(
        {"send": "GET /api/Spaces-1/releases/{release}/progression"}
    ).json
    assert [phase["Progress"] for phase in progression["Phases"]] == ["Complete", "Complete"]
