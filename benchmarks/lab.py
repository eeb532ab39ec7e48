"""A trial server of its own with real Tentacle processes, and one project that says hi."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from octopus_site.demo.client import Client
from octopus_site.up.supervisor import Supervisor, agent_environment

SCRIPT = "echo hi"
_API_KEY = "API-BENCHMARKBENCHMARKBENCHMARK"
_API = "/api/Spaces-1"
_PAUSE = 0.02
_WITHIN = 120.0


class LabFailed(Exception):
    """The server did not do what is measured."""


class Lab:
    """Every number of targets has an environment, a role and a project of its own."""

    def __init__(self, supervisor: Supervisor, folder: Path) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._client = Client(f"http://127.0.0.1:{supervisor.configuration.web_port}", _API_KEY)

    def prepare(self, count: int) -> tuple[str, str]:
        """Let `count` targets be connected in one environment; return environment and release."""
        environment = self._client.post(f"{_API}/environments", {"Name": f"{count} targets"})
        self._start_targets(count, environment["Name"])
        project = self._make_project(count, environment["Id"])
        body = {"ProjectId": project["Id"], "Version": "1.0.0"}
        release = self._client.post(f"{_API}/releases", body)
        return environment["Id"], release["Id"]

    def deploy(self, environment: str, release: str) -> float:
        """Return the seconds from the request to the completion that the task records."""
        body = {"ReleaseId": release, "EnvironmentId": environment}
        began = time.time()
        deployment = self._client.post(f"{_API}/deployments", body)
        path = f"{_API}/tasks/{deployment['TaskId']}"
        deadline = time.monotonic() + _WITHIN
        # Asked for seldom: asking takes time from what is measured on the same machine.
        while not (task := self._client.get(path))["IsCompleted"]:
            if time.monotonic() > deadline:
                raise LabFailed(f"{deployment['TaskId']} does not end: {task['State']}")
            time.sleep(0.5)
        if task["State"] != "Success":
            raise LabFailed(f"{deployment['TaskId']}: {task['State']} {task['ErrorMessage']}")
        return datetime.fromisoformat(task["CompletedTime"]).timestamp() - began

    def stop_targets(self) -> None:
        """End the agents, so that those of the next number of targets have the machine alone."""
        members = self._supervisor.children.members
        for child in [child for child in members if child.name.startswith("target-")]:
            members.remove(child)
            child.stop()

    def agents_memory(self) -> list[int]:
        """Return the resident bytes of each agent's daemon."""
        pids = [
            child.process.pid
            for child in self._supervisor.children.members
            if child.name.startswith("target-") and child.process is not None
        ]
        return [_resident(pid) for pid in pids]

    def _start_targets(self, count: int, environment: str) -> None:
        for number in range(count):
            name = f"target-{count}-{number}"
            home = self._folder / "targets" / name
            command = [
                *(sys.executable, "-m", "agent.runtime.cli", "register", "--home", str(home)),
                *("--server", self._client.server, "--name", name),
                *("--role", f"bench-{count}", "--environment", environment),
            ]
            subprocess.run(
                command,
                env={**agent_environment(), "TENTACLE_API_KEY": _API_KEY},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                check=True,
            )
            self._supervisor.add_agent(name, home)
        deadline = time.monotonic() + _WITHIN
        while self._connected(f"bench-{count}") < count:
            if time.monotonic() > deadline:
                raise LabFailed("not all targets connect")
            time.sleep(_PAUSE * 10)

    def _connected(self, role: str) -> int:
        machines = self._client.get(f"{_API}/machines/all")
        return sum(m["HealthStatus"] == "Healthy" and role in m["Roles"] for m in machines)

    def _make_project(self, count: int, environment: str) -> dict[str, Any]:
        client = self._client
        phase = {"Name": "Only", "OptionalDeploymentTargets": [environment]}
        body = {"Name": f"Lifecycle of {count}", "Phases": [phase]}
        lifecycle = client.post(f"{_API}/lifecycles", body)
        project: dict[str, Any] = client.post(
            f"{_API}/projects",
            {
                "Name": f"Say hi to {count}",
                "ProjectGroupId": client.get(f"{_API}/projectgroups/all")[0]["Id"],
                "LifecycleId": lifecycle["Id"],
            },
        )
        path = f"{_API}/projects/{project['Id']}/deploymentprocesses"
        client.put(path, {**client.get(path), "Steps": [_step(f"bench-{count}")]})
        path = f"{_API}/variables/{project['VariableSetId']}"
        parallel = {"Name": "Octopus.Action.MaxParallelism", "Value": "100", "Type": "String"}
        client.put(path, {**client.get(path), "Variables": [{**parallel, "Scope": {}}]})
        return project


@contextmanager
def open_lab() -> Iterator[Lab]:
    """Run a trial server in a temporary folder on free ports."""
    with tempfile.TemporaryDirectory(prefix="octopus-bench-") as folder:
        port = _free_port()
        os.environ.update(
            OCTOPUS_DATA_DIR=folder,
            OCTOPUS_WEB_PORT=str(port),
            OCTOPUS_GATEWAY_PORT=str(_free_port()),
            OCTOPUS_SERVER_URL=f"http://127.0.0.1:{port}",
            ADMIN_USERNAME="bench",
            ADMIN_PASSWORD="only for this folder 1",
            ADMIN_API_KEY=_API_KEY,
        )
        supervisor = Supervisor(lambda text: print(f"  {text}", file=sys.stderr))
        try:
            supervisor.start()
            yield Lab(supervisor, Path(folder))
        finally:
            supervisor.stop()


def bare_runs(count: int) -> float:
    """Return the seconds that the same commands take one after the other, without a server."""
    began = time.perf_counter()
    for _ in range(count):
        subprocess.run(["bash", "-c", SCRIPT], capture_output=True, check=True)
    return time.perf_counter() - began


def _step(role: str) -> dict[str, Any]:
    properties = {
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": "Bash",
        "Octopus.Action.Script.ScriptBody": SCRIPT,
    }
    return {
        "Name": "Say hi",
        "Condition": "Success",
        "StartTrigger": "StartAfterPrevious",
        "Properties": {"Octopus.Action.TargetRoles": role},
        "Actions": [{"Name": "Say hi", "ActionType": "Octopus.Script", "Properties": properties}],
    }


def _resident(pid: int) -> int:
    fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
