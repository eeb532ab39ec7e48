"""Very many virtual agents of a server, made in its database and run in a process of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.lab import script_step
from benchmarks.virtual_agents import FleetProcess, fleet_process
from tests.faults.lab import Lab

# What runs with the server's environment: Django may be set up once in a process.
_SEED = """
import json, sys, django
django.setup()
from benchmarks.seeding import add_virtual_machines, gateway_pin
print(json.dumps([gateway_pin(), add_virtual_machines(sys.argv[1], int(sys.argv[2]), ["crowd"])]))
"""


def add_agents(lab: Lab, environment_id: str, count: int) -> tuple[str, list[str]]:
    """Create targets in an environment; return the gateway's pin and the agents' credentials."""
    command = [sys.executable, "-c", _SEED, environment_id, str(count)]
    environment = {**os.environ, **lab.server.environment}
    made = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    pin, credentials = json.loads(made.stdout.splitlines()[-1])
    return pin, credentials


def add_environment(lab: Lab, name: str) -> str:
    """Create an environment; return its id."""
    return str(_post(lab, "environments", {"Name": name})["Id"])


def add_release(lab: Lab, name: str, environment: str) -> str:
    """Create a release that can be deployed to all agents of the environment; return its id."""
    phase = {"Name": "Only", "OptionalDeploymentTargets": [environment]}
    lifecycle = _post(lab, "lifecycles", {"Name": name, "Phases": [phase]})["Id"]
    group = lab.get("projectgroups/all")[0]["Id"]
    body = {"Name": name, "ProjectGroupId": group, "LifecycleId": lifecycle}
    project = _post(lab, "projects", body)
    at_once = {"Name": "Octopus.Action.MaxParallelism", "Value": "10000", "Scope": {}}
    _put(lab, f"variables/{project['VariableSetId']}", {"Variables": [at_once]})
    steps = [script_step("Say hi", "echo hi", role="crowd")]
    _put(lab, f"projects/{project['Id']}/deploymentprocesses", {"Steps": steps})
    # Each of many deployments shall run.
    _put(lab, f"projects/{project['Id']}/deploymentsettings", {"CancelQueuedTasks": False})
    release = _post(lab, "releases", {"ProjectId": project["Id"], "Version": "1.0.0"})
    return str(release["Id"])


def queue(lab: Lab, release: str, environment: str) -> str:
    """Start a deployment, however long nobody answers; return its task."""
    body = {"ReleaseId": release, "EnvironmentId": environment}
    return str(lab.patiently(lambda: _post(lab, "deployments", body))["TaskId"])


def _post(lab: Lab, path: str, body: dict[str, Any]) -> Any:
    return lab.server.call("POST", f"/api/Spaces-1/{path}", body)


def _put(lab: Lab, path: str, changes: dict[str, Any]) -> None:
    lab.server.call("PUT", f"/api/Spaces-1/{path}", {**lab.get(path), **changes})


@contextmanager
def connected(lab: Lab, pin: str, credentials: list[str], module: str) -> Iterator[FleetProcess]:
    """Run the agents, all of them connected at the start of the block."""
    url = f"wss://127.0.0.1:{lab.server.gateway_port}"
    with fleet_process(url, pin, credentials, module) as fleet:
        fleet.start(len(credentials))
        fleet.wait_for("connected", len(credentials), within=120)
        yield fleet
