"""Steps that last, from the REST API to real agents and back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.targets import Target, start_targets
from tests.support.processes import Processes, wait_until
from tests.support.server import OctopusServer, make_server

S = "/api/Spaces-1"
PLACE = "Staging"


@pytest.fixture
def server(processes: Processes, tmp_path: Path) -> Iterator[OctopusServer]:
    """Give a server of the test's own."""
    own = make_server(processes, tmp_path)
    main = own.start()
    yield own
    main.terminate()


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


def test_health_of_real_agents(server: OctopusServer, processes: Processes, tmp_path: Path) -> None:
    place = server.call("POST", f"{S}/environments", {"Name": PLACE})
    start_targets(processes, server, tmp_path, [Target("east", [PLACE]), Target("west", [PLACE])])
    policy = server.call("GET", f"{S}/machinepolicies/all")[0]
    policy["MachineHealthCheckPolicy"]["BashHealthCheckPolicy"] = {
        "RunType": "Inline",
        "ScriptBody": 'case "#{Octopus.Machine.Name}" in\n'
        'east) echo_warning "a little full" ;;\n'
        'west) fail_healthcheck "quite full" ;;\nesac\n',
    }
    server.call("PUT", f"{S}/machinepolicies/{policy['Id']}", policy)
    arguments = {"EnvironmentId": place["Id"]}
    asked = server.call("POST", f"{S}/tasks", {"Name": "Health", "Arguments": arguments})
    task = follow(server, asked["Id"])
    assert task["State"] == "Failed"
    assert task["ErrorMessage"] == "1 of 2 targets failed the health check: west (unhealthy)."
    found = {
        row["Name"]: (row["HealthStatus"], row["StatusSummary"])
        for row in server.call("GET", f"{S}/machines/all")
    }
    assert found == {
        "east": ("HasWarnings", "a little full"),
        "west": ("Unhealthy", "quite full"),
    }
    assert "west: Unhealthy. quite full" in raw(server, task["Id"])
