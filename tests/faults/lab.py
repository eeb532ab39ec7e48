"""A server, agents and projects whose scripts leave witnesses outside the system."""

import os
import re
import shutil
import signal
import time
import urllib.error
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from agent.failpoints import TAKEN
from tests.faults.harness import invariants
from tests.faults.harness.forwarder import Forwarder
from tests.faults.harness.invariants import Run
from tests.faults.harness.records import PostgresRecords, Records, SqliteRecords
from tests.faults.harness.scripts import SECRET, Script, Witness, read_witness
from tests.support.confinement import on_small_disk, seen_by
from tests.support.faults import INJECTED
from tests.support.processes import Process, Processes, wait_until
from tests.support.server import API_KEY, TENTACLE, OctopusServer, make_server

MACHINES = ("alpha", "beta")
ROLE = "lab"
_SPACE = "/api/Spaces-1"
_END_WITHIN = 240.0


@dataclass
class Project:
    """A release that can be deployed, and what its script does."""

    release_id: str
    script: Script


@dataclass
class Lab:
    """Everything that a fault test needs, and how to break parts of it."""

    processes: Processes
    folder: Path
    machines: tuple[str, ...] = MACHINES
    settings: dict[str, str] = field(default_factory=dict)
    # The mount options of a small disk for the server's data folder.
    small_disk: str = ""
    server: OctopusServer = field(init=False)
    line: Forwarder = field(init=False)
    agents: dict[str, Process] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    environment_id: str = ""
    _machine_ids: dict[str, str] = field(default_factory=dict)

    @property
    def witness(self) -> Path:
        return self.folder / "witness"

    @property
    def records(self) -> Records:
        url = self.settings.get("OCTOPUS_DATABASE_URL")
        if url:
            return PostgresRecords(url)
        folder = self._copy_of_database() if self.small_disk else self.data_dir
        return SqliteRecords(folder / "octopus.sqlite3")

    @property
    def data_dir(self) -> Path:
        """The data folder as this process reaches it."""
        if not self.small_disk or self.server.main is None:
            return self.server.data_dir
        return seen_by(self.server.main.pid, self.server.data_dir)

    def start(self) -> None:
        """Start the server, the line and the agents, and create the first project."""
        self.line = Forwarder(0)
        self.line.start()
        self._points.mkdir()
        self.server = make_server(
            self.processes,
            self.folder,
            {
                "OCTOPUS_GATEWAY_TLS": "off",
                "OCTOPUS_WEB_PROCESSES": "2",
                "OCTOPUS_GATEWAY_URL": f"ws://127.0.0.1:{self.line.port}",
                "OCTOPUS_FAILPOINTS_FOLDER": str(self._points),
                **self.settings,
            },
        )
        if self.small_disk:
            self.server.wrapper = on_small_disk(self.server.data_dir, self.small_disk)
        self.line.target = self.server.gateway_port
        self.server.start()
        self.environment_id = self._post("environments", {"Name": "Lab"})["Id"]
        self.add_project("Print", Script())
        for machine in self.machines:
            self._register(machine)
            self.start_agent(machine)
        wait_until(self.all_connected, seconds=60, what="the agents")
        self._machine_ids = {row["Name"]: row["Id"] for row in self.get("machines/all")}

    def stop(self) -> None:
        """End the agents, the server and the line."""
        for agent in self.agents.values():
            if agent.is_running:
                agent.terminate()
        if self.server.main:
            self.server.main.terminate()
        self.line.stop()

    def start_agent(self, machine: str, failpoints: str = "") -> None:
        """Start an agent, or start it again after a kill."""
        self.agents[machine] = self.processes.start(
            f"tentacle-{machine}",
            [TENTACLE, "run", "--home", self.home(machine)],
            environment={"OCTOPUS_FAILPOINTS": failpoints},
        )

    def add_project(self, name: str, script: Script) -> None:
        """Create a project with a release whose only step runs the script on every machine."""
        if name in self.projects:
            return
        group = self.get("projectgroups/all")[0]["Id"]
        lifecycle = self.get("lifecycles/all")[0]["Id"]
        project = self._post(
            "projects", {"Name": name, "ProjectGroupId": group, "LifecycleId": lifecycle}
        )
        # Many deployments of one release shall run, each of them.
        path = f"{_SPACE}/projects/{project['Id']}/deploymentsettings"
        settings = self.server.call("GET", path)
        self.server.call("PUT", path, {**settings, "CancelQueuedTasks": False})
        path = f"{_SPACE}/variables/{project['VariableSetId']}"
        variables = self.server.call("GET", path)
        planted = {"Name": "Planted", "Value": SECRET, "Type": "Sensitive", "Scope": {}}
        self.server.call("PUT", path, {**variables, "Variables": [planted]})
        path = f"{_SPACE}/projects/{project['Id']}/deploymentprocesses"
        process = self.server.call("GET", path)
        self.server.call("PUT", path, {**process, "Steps": [_step(script.body(self.witness))]})
        release = self._post("releases", {"ProjectId": project["Id"], "Version": "1.0.0"})
        self.projects[name] = Project(release["Id"], script)

    def deploy(self, project: str = "Print", machines: Sequence[str] = ()) -> tuple[str, str]:
        """Start a deployment to some or all machines; returns its id and the id of its task."""
        body = {
            "ReleaseId": self.projects[project].release_id,
            "EnvironmentId": self.environment_id,
            "SpecificMachineIds": [self._machine_ids[machine] for machine in machines],
        }
        made = self._post("deployments", body)
        return made["Id"], made["TaskId"]

    def cancel(self, task_id: str) -> None:
        """Ask for the end of a task."""
        self._post(f"tasks/{task_id}/cancel", {})

    def wait_for_end(self, task_id: str, seconds: float = _END_WITHIN) -> dict[str, Any]:
        """Wait until the task has ended and return it."""
        end = time.monotonic() + seconds
        while True:
            task: dict[str, Any] = self.get(f"tasks/{task_id}")
            if task["IsCompleted"] or time.monotonic() > end:
                return task
            time.sleep(0.1)

    def notes(self, deployment_id: str, what: str = "start") -> list[Witness]:
        """Return what the scripts of a deployment have noted."""
        lines = read_witness(self.witness)
        return [line for line in lines if (line.deployment_id, line.what) == (deployment_id, what)]

    def wait_for_start(self, deployment_id: str, seconds: float = 30) -> None:
        """Wait until the script runs on every machine."""
        wait_until(
            lambda: len(self.notes(deployment_id)) == len(self.machines),
            seconds=seconds,
            what="the scripts' start",
        )

    def run_of(self, deployment_id: str, task: dict[str, Any], project: str = "Print") -> Run:
        return Run(deployment_id, task, self.projects[project].script, self.machines)

    def check(self, deployment_id: str, task: dict[str, Any], project: str = "Print") -> None:
        """Assert what is promised: success, one start each, and the log to the byte."""
        assert task["State"] == "Success", f"{task}\n{self.server.logs()}"
        starts = sorted(note.machine for note in self.notes(deployment_id))
        assert starts == sorted(self.machines)
        self.check_promises(deployment_id, task, project)

    def check_promises(
        self, deployment_id: str, task: dict[str, Any], project: str = "Print"
    ) -> None:
        """Assert what must hold however the deployment has ended."""
        run = self.run_of(deployment_id, task, project)
        witness = read_witness(self.witness)
        found = invariants.violations_of(run, self.records, witness) + invariants.overlaps(witness)
        assert not found, f"{found}\n{self.server.logs()}"

    def check_everything_at_rest(self) -> list[str]:
        """Return which promises are broken now that nothing runs any more."""
        homes = [self.home(machine) for machine in self.machines]
        pids = self.processes.descendants()
        return [
            *invariants.left_behind(self.folder / "agents"),
            *invariants.secrets_seen(self.records, homes, pids),
            *invariants.sizes(homes, pids),
        ]

    def arm(self, point: str, action: str = "kill9") -> None:
        """Let the next process of the server that passes a point do something, once."""
        (self._points / f"{point}{TAKEN}").unlink(missing_ok=True)
        temporary = self._points / f"{point}.new"
        temporary.write_text(action)
        temporary.rename(self._points / point)

    def wait_for_hit(self, point: str, seconds: float = 20) -> None:
        """Wait until the armed point was passed: the fault has happened."""
        wait_until(lambda: self.was_hit(point), seconds=seconds, what=f"the fault at {point}")
        self.note_fault(f"failpoint {point}")

    def was_hit(self, point: str) -> bool:
        """Return whether a process has come by an armed point."""
        return (self._points / f"{point}{TAKEN}").exists()

    def note_fault(self, kind: str) -> None:
        """Count a fault that has really happened."""
        INJECTED[kind] += 1

    def kill_server_process(self, name: str) -> None:
        """Kill -9 a process of the server with all its children; the supervisor restarts it."""
        wait_until(lambda: self.server_pids(name), seconds=30, what=name)
        for pid in self.server_pids(name):
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        self.note_fault(f"kill -9 of {name}")

    def kill_agent(self, machine: str) -> None:
        """Kill -9 an agent; what its runners do goes on."""
        self.agents[machine].kill()
        self.note_fault("kill -9 of an agent")

    def flush_redis(self) -> None:
        """Empty Redis."""
        with self.redis() as client:
            client.flushall()
        self.note_fault("Redis FLUSHALL")

    def redis(self) -> "redis.Redis":
        return redis.Redis(unix_socket_path=str(self.data_dir / "redis.sock"))

    def server_pids(self, name: str) -> list[int]:
        """Return the leading processes of a part of the server: web, worker, redis and so on."""
        # Redis writes over its own environment; the others are known by theirs.
        if name == "redis":
            assert self.server.main is not None
            return [pid for pid in _children(self.server.main.pid) if "redis" in _command(pid)]
        words = f"octopus_site.cli\0{name}\0"
        return [pid for pid in self._mine() if _group(pid) == pid and words in _command(pid)]

    def children_of(self, name: str) -> list[int]:
        """Return the processes below a part of the server, the worker's pool for one."""
        leaders = set(self.server_pids(name))
        return [pid for pid in self._mine() if pid not in leaders and _group(pid) in leaders]

    def home(self, machine: str) -> Path:
        return self.folder / "agents" / machine

    def all_connected(self) -> bool:
        """Return whether the server holds every machine for healthy."""
        machines = self.get("machines/all")
        return all(m["HealthStatus"] == "Healthy" for m in machines) and len(machines) == len(
            self.machines
        )

    def get(self, path: str) -> Any:
        """Read, even while the web process is being restarted."""
        return self.patiently(lambda: self.server.call("GET", f"{_SPACE}/{path}"))

    def patiently(self, call: Callable[[], Any], seconds: float = 90) -> Any:
        """Repeat a call for as long as nobody answers it."""
        end = time.monotonic() + seconds
        while True:
            try:
                return call()
            except urllib.error.HTTPError as error:
                if error.code < 500 or time.monotonic() > end:
                    raise
            except OSError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.2)

    def _copy_of_database(self) -> Path:
        """Copy the database, because SQLite opens none through another process's eyes."""
        copy = self.folder / "copy"
        copy.mkdir(exist_ok=True)
        for name in ("octopus.sqlite3-wal", "octopus.sqlite3"):
            shutil.copyfile(self.data_dir / name, copy / name)
        (copy / "octopus.sqlite3-shm").unlink(missing_ok=True)
        return copy

    @property
    def _points(self) -> Path:
        return self.folder / "failpoints"

    def _mine(self) -> list[int]:
        """Return the processes of the server."""
        mark = f"OCTOPUS_DATA_DIR={self.server.data_dir}\0".encode()
        found = []
        for name in os.listdir("/proc"):  # noqa: PTH208 hot
            try:
                if name.isdecimal() and mark in Path(f"/proc/{name}/environ").read_bytes():
                    found.append(int(name))
            except OSError:
                continue
        return found

    def _register(self, machine: str) -> None:
        registration = self.processes.start(
            f"register-{machine}",
            [
                *(TENTACLE, "register", "--server", self.server.url, "--name", machine),
                *("--environment", "Lab", "--role", ROLE, "--home", self.home(machine)),
            ],
            environment={"TENTACLE_API_KEY": API_KEY},
        )
        assert registration.wait_for_exit() == 0, registration.log()

    def _post(self, path: str, body: Any) -> Any:
        return self.server.call("POST", f"{_SPACE}/{path}", body)


def memory_of(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+)", text)
    return int(match[1]) * 1024 if match else 0


def _children(parent: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 hot
        with suppress(OSError, ValueError):
            stat = Path(f"/proc/{int(name)}/stat").read_text()
            if int(stat.rpartition(")")[2].split()[1]) == parent:
                found.append(int(name))
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return -1


def _step(script: str) -> dict[str, Any]:
    return {
        "Name": "Print",
        "Properties": {"Octopus.Action.TargetRoles": ROLE},
        "Actions": [
            {
                "Name": "Print",
                "ActionType": "Octopus.Script",
                "Properties": {
                    "Octopus.Action.Script.ScriptSource": "Inline",
                    "Octopus.Action.Script.Syntax": "Bash",
                    "Octopus.Action.Script.ScriptBody": script,
                },
            }
        ],
    }
