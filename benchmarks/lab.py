"""A trial server of its own in a temporary folder, and what benchmarks ask of it."""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.agents import RealAgents
from octopus_site.demo.client import Client
from octopus_site.up.children import Child
from octopus_site.up.supervisor import Supervisor
from tests.support.environment import MASTER_KEY
from tests.support.migrated import migrated_database
from tests.support.processes import free_port

API = "/api/Spaces-1"
API_KEY = "API-BENCHMARKBENCHMARKBENCHMARK"
_SERVER_PROCESSES = ("redis", "web", "gateway", "worker", "beat")


class LabFailed(Exception):
    """The server did not do what is measured."""


class Lab:
    """One server. Its database can be used in this process too: Django is set up."""

    def __init__(self, supervisor: Supervisor, folder: Path) -> None:
        self.supervisor = supervisor
        self.folder = folder
        self.client = Client(f"http://127.0.0.1:{supervisor.configuration.web_port}", API_KEY)
        self.agents = RealAgents(supervisor, folder / "targets", self.client, API_KEY)

    def make_environment(self, name: str) -> str:
        """Create an environment; return its id."""
        return str(self.client.post(f"{API}/environments", {"Name": name})["Id"])

    def make_release(
        self,
        name: str,
        environment: str,
        steps: Sequence[Mapping[str, Any]],
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Create a project with these steps for one environment, and a release; return its id."""
        client = self.client
        phase = {"Name": "Only", "OptionalDeploymentTargets": [environment]}
        body = {"Name": f"Lifecycle of {name}", "Phases": [phase]}
        lifecycle = client.post(f"{API}/lifecycles", body)
        group = client.get(f"{API}/projectgroups/all")[0]["Id"]
        body = {"Name": name, "ProjectGroupId": group, "LifecycleId": lifecycle["Id"]}
        project = client.post(f"{API}/projects", body)
        # A release is deployed again and again; none of its deployments supersedes another.
        path = f"{API}/projects/{project['Id']}/deploymentsettings"
        client.put(path, {**client.get(path), "CancelQueuedTasks": False})
        path = f"{API}/projects/{project['Id']}/deploymentprocesses"
        client.put(path, {**client.get(path), "Steps": list(steps)})
        path = f"{API}/variables/{project['VariableSetId']}"
        rows = [
            {"Name": key, "Value": value, "Type": "String", "Scope": {}}
            for key, value in {
                "Octopus.Action.MaxParallelism": "10000",
                **(variables or {}),
            }.items()
        ]
        client.put(path, {**client.get(path), "Variables": rows})
        release = client.post(f"{API}/releases", {"ProjectId": project["Id"], "Version": "1.0.0"})
        return str(release["Id"])

    def queue(self, release: str, environment: str) -> str:
        """Create a deployment; return the id of its task."""
        body = {"ReleaseId": release, "EnvironmentId": environment}
        return str(self.client.post(f"{API}/deployments", body)["TaskId"])

    def wait(self, task_id: str, *, every: float = 0.5, within: float = 120.0) -> dict[str, Any]:
        """Return the task when it has ended."""
        deadline = time.monotonic() + within
        while True:
            with suppress(OSError):
                task: dict[str, Any] = self.client.get(f"{API}/tasks/{task_id}")
                if task["IsCompleted"]:
                    return task
            if time.monotonic() > deadline:
                raise LabFailed(f"{task_id} does not end within {within:.0f} s")
            time.sleep(every)

    def deploy(self, release: str, environment: str, *, every: float = 0.5) -> float:
        """Return the seconds from the request to the completion that the task records.

        The end is asked for seldom: asking takes time from what is measured on the same machine.
        """
        began = time.time()
        task = self.wait(self.queue(release, environment), every=every)
        if task["State"] != "Success":
            raise LabFailed(f"{task['Id']}: {task['State']} {task['ErrorMessage']}")
        return datetime.fromisoformat(task["CompletedTime"]).timestamp() - began

    def child(self, name: str) -> Child:
        """Return a process of the server by its name."""
        return next(c for c in self.supervisor.children.members if c.name == name)

    def pid(self, name: str) -> int:
        """Return the process id of a process of the server."""
        process = self.child(name).process
        if process is None:
            raise LabFailed(f"{name} does not run")
        return process.pid

    def kill(self, name: str) -> None:
        """Kill -9 a process of the server with its children; the supervisor starts it again."""
        os.killpg(self.pid(name), signal.SIGKILL)

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor time that each part of the server has used until now."""
        return {name: cpu_of_session(self.pid(name)) for name in _SERVER_PROCESSES}


@contextmanager
def open_lab() -> Iterator[Lab]:
    """Run a trial server in a temporary folder on free ports."""
    with tempfile.TemporaryDirectory(prefix="octopus-bench-") as folder:
        port = free_port()
        os.environ.update(
            DJANGO_SETTINGS_MODULE="octopus_site.settings",
            OCTOPUS_DATA_DIR=folder,
            OCTOPUS_MASTER_KEY=MASTER_KEY,
            OCTOPUS_WEB_PORT=str(port),
            OCTOPUS_GATEWAY_PORT=str(free_port()),
            OCTOPUS_SERVER_URL=f"http://127.0.0.1:{port}",
            ADMIN_USERNAME="bench",
            ADMIN_PASSWORD="only for this folder 1",
            ADMIN_API_KEY=API_KEY,
        )
        if not os.environ.get("OCTOPUS_DATABASE_URL"):
            shutil.copyfile(migrated_database(), Path(folder) / "octopus.sqlite3")
        supervisor = Supervisor(lambda text: print(f"  {text}", file=sys.stderr))
        try:
            supervisor.start()
            yield Lab(supervisor, Path(folder))
        finally:
            supervisor.stop()


def script_step(name: str, body: str, *, role: str) -> dict[str, Any]:
    """Return a step that runs a bash script on all targets with the role."""
    properties = {
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": "Bash",
        "Octopus.Action.Script.ScriptBody": body,
    }
    return {
        "Name": name,
        "Condition": "Success",
        "StartTrigger": "StartAfterPrevious",
        "Properties": {"Octopus.Action.TargetRoles": role},
        "Actions": [{"Name": name, "ActionType": "Octopus.Script", "Properties": properties}],
    }


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_of_session(leader: int) -> float:
    """Return the processor seconds of all processes of a session, those that ended included."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == leader:
                ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")
