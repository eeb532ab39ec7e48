"""A server, two agents and a project whose scripts leave witnesses outside the system."""

import os
import signal
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from agent.contracts.spool import RECORD, decode_frames
from tests.support.processes import Process, Processes, wait_until
from tests.support.server import API_KEY, TENTACLE, OctopusServer, make_server

MACHINES = ("alpha", "beta")
ROLE = "lab"
LINES = 60
_SPACE = "/api/Spaces-1"
_END_WITHIN = 90.0

_SCRIPT = """
deployment=$(get_octopusvariable Octopus.Deployment.Id)
machine=$(get_octopusvariable Octopus.Machine.Name)
echo "$deployment $machine" >> {witness}
for number in $(seq 1 {lines}); do
  printf '%s on %s: line %03d with some text, umlauts äöü and a tab\\there\\n' \\
    "$deployment" "$machine" "$number"
  sleep 0.025
done
"""


def expected_log(deployment_id: str, machine: str) -> bytes:
    """Return exactly what the script prints."""
    return "".join(
        f"{deployment_id} on {machine}: line {number:03} with some text,"
        " umlauts äöü and a tab\there\n"
        for number in range(1, LINES + 1)
    ).encode()


@dataclass
class Lab:
    """Everything that a fault test needs, and how to break parts of it."""

    processes: Processes
    folder: Path
    server: OctopusServer = field(init=False)
    agents: dict[str, Process] = field(default_factory=dict)
    release_id: str = ""
    environment_id: str = ""

    @property
    def witness(self) -> Path:
        return self.folder / "witness"

    def start(self) -> None:
        """Start the server and the agents and create the project's release."""
        self.server = make_server(self.processes, self.folder)
        self.server.start()
        self.environment_id = self._post("environments", {"Name": "Lab"})["Id"]
        self._create_release()
        for machine in MACHINES:
            self._register(machine)
            self.start_agent(machine)
        wait_until(self._all_connected, seconds=60, what="both agents")

    def start_agent(self, machine: str, failpoints: str = "") -> None:
        """Start an agent, or start it again after a kill."""
        self.agents[machine] = self.processes.start(
            f"tentacle-{machine}",
            [TENTACLE, "run", "--home", self._home(machine)],
            environment={"OCTOPUS_FAILPOINTS": failpoints},
        )

    def deploy(self) -> tuple[str, str]:
        """Start a deployment; returns its id and the id of its task."""
        body = {"ReleaseId": self.release_id, "EnvironmentId": self.environment_id}
        made = self._post("deployments", body)
        return made["Id"], made["TaskId"]

    def wait_for_end(self, task_id: str) -> dict[str, Any]:
        """Wait until the task has ended and return it."""
        end = time.monotonic() + _END_WITHIN
        while True:
            task: dict[str, Any] = self._get(f"tasks/{task_id}")
            if task["IsCompleted"] or time.monotonic() > end:
                return task
            time.sleep(0.1)

    def starts_of(self, deployment_id: str) -> list[str]:
        """Return the machines on which the script was started, once for each start."""
        lines = self.witness.read_text().splitlines() if self.witness.exists() else []
        return sorted(line.split()[1] for line in lines if line.split()[0] == deployment_id)

    def stored_logs(self, task_id: str) -> dict[str, bytes]:
        """Return the bytes in the database by machine, read past the server."""
        number = int(task_id.partition("-")[2])
        with sqlite3.connect(
            f"file:{self.server.data_dir}/octopus.sqlite3?mode=ro", uri=True
        ) as db:
            rows = db.execute(
                "SELECT e.target_name, c.body FROM execution_logchunk c"
                " JOIN execution_actionexecution e ON e.id = c.execution_id"
                " WHERE c.task_id = ? ORDER BY c.execution_id, c.offset",
                (number,),
            ).fetchall()
        logs = dict.fromkeys(MACHINES, b"")
        for machine, body in rows:
            frames, used = decode_frames(bytes(body))
            assert used == len(body)
            logs[machine] += b"".join(f.payload for f in frames if f.stream != RECORD)
        return logs

    def check(self, deployment_id: str, task: dict[str, Any]) -> None:
        """Assert what is promised: success, one start each, and the log to the byte."""
        assert task["State"] == "Success", f"{task}\n{self.server.logs()}"
        assert self.starts_of(deployment_id) == sorted(MACHINES)
        stored = self.stored_logs(task["Id"])
        for machine in MACHINES:
            assert stored[machine] == expected_log(deployment_id, machine), machine

    def kill_server_process(self, name: str) -> None:
        """Kill -9 a process of the server with all its children; the supervisor restarts it."""
        for pid in self._pids(f"octopus_site.cli\0{name}\0"):
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def kill_agent(self, machine: str) -> None:
        """Kill -9 an agent; what its runners do goes on."""
        self.agents[machine].kill()

    def flush_redis(self) -> None:
        """Empty Redis."""
        with redis.Redis(unix_socket_path=str(self.server.data_dir / "redis.sock")) as client:
            client.flushall()

    def _pids(self, words: str) -> list[int]:
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            try:
                command = (folder / "cmdline").read_bytes()
                environment = (folder / "environ").read_bytes()
                leader = os.getpgid(int(folder.name)) == int(folder.name)
            except OSError:
                continue
            ours = f"OCTOPUS_DATA_DIR={self.server.data_dir}\0".encode() in environment
            if leader and ours and words.encode() in command:
                found.append(int(folder.name))
        return found

    def _create_release(self) -> None:
        group = self._get("projectgroups/all")[0]["Id"]
        lifecycle = self._get("lifecycles/all")[0]["Id"]
        project = self._post(
            "projects", {"Name": "Lab", "ProjectGroupId": group, "LifecycleId": lifecycle}
        )
        path = f"{_SPACE}/projects/{project['Id']}/deploymentprocesses"
        process = self.server.call("GET", path)
        script = _SCRIPT.format(witness=self.witness, lines=LINES)
        self.server.call("PUT", path, {**process, "Steps": [_step(script)]})
        release = self._post("releases", {"ProjectId": project["Id"], "Version": "1.0.0"})
        self.release_id = release["Id"]

    def _register(self, machine: str) -> None:
        registration = self.processes.start(
            f"register-{machine}",
            [
                *(TENTACLE, "register", "--server", self.server.url, "--name", machine),
                *("--environment", "Lab", "--role", ROLE, "--home", self._home(machine)),
            ],
            environment={"TENTACLE_API_KEY": API_KEY},
        )
        assert registration.wait_for_exit() == 0, registration.log()

    def _home(self, machine: str) -> Path:
        return self.folder / "agents" / machine

    def _all_connected(self) -> bool:
        machines = self._get("machines/all")
        return all(m["HealthStatus"] == "Healthy" for m in machines) and len(machines) == len(
            MACHINES
        )

    def _get(self, path: str) -> Any:
        return self._patiently("GET", path)

    def _post(self, path: str, body: Any) -> Any:
        return self.server.call("POST", f"{_SPACE}/{path}", body)

    def _patiently(self, method: str, path: str) -> Any:
        """Read, even while the web process is being restarted."""
        end = time.monotonic() + 20
        while True:
            try:
                return self.server.call(method, f"{_SPACE}/{path}")
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)


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
