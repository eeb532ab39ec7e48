"""Agents of an older version are upgraded by a real server while a deployment runs on them."""

import hashlib
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from agent.runtime.zipapp import build
from agent.version import VERSION
from tests.support.processes import Processes, wait_until
from tests.support.server import API_KEY, OctopusServer, make_server

SPACE = "/api/Spaces-1"
OLD = "0.0.9"
_SCRIPT = """
echo start >> {folder}/witness
until [ -e {folder}/go ]; do sleep 0.1; done
echo the end of it
"""


def made(target: Path, **changes: tuple[str, str]) -> bytes:
    """Build the agent with texts of its files replaced."""
    build(target)
    files = {"version": "agent/version.py", "cli": "agent/runtime/cli.py"}
    edits = {files[name]: change for name, change in changes.items()}
    with zipfile.ZipFile(target) as archive:
        content = {name: archive.read(name).decode() for name in archive.namelist()}
    with target.open("wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            assert name not in edits or edits[name][0] in text
            archive.writestr(name, text.replace(*edits.get(name, ("", "")), 1))
    return target.read_bytes()


class Site:
    """A server, one agent of an older version and a project whose script waits for a file."""

    def __init__(self, processes: Processes, folder: Path) -> None:
        self.folder = folder
        self.processes = processes
        self.server: OctopusServer = make_server(processes, folder)
        self.server.start()
        self.environment = self.post("environments", {"Name": "Test"})["Id"]

    def start_agent(self) -> None:
        program = self.folder / "installed" / "tentacle.pyz"
        program.parent.mkdir()
        made(program, version=(VERSION, OLD))
        home = self.folder / "home"
        registration = self.processes.start(
            "register",
            [
                *(sys.executable, "-I", program, "register", "--server", self.server.url),
                *("--name", "web-1", "--environment", "Test", "--role", "web", "--home", home),
            ],
            environment={"TENTACLE_API_KEY": API_KEY},
        )
        assert registration.wait_for_exit() == 0, registration.log()
        self.processes.start("tentacle", [sys.executable, "-I", program, "run", "--home", home])
        wait_until(lambda: self.connection()["Status"] == "Healthy", seconds=30, what="the agent")

    def offer(self, content: bytes) -> None:
        """Put a program where the server looks for the one that it offers."""
        folder = self.server.data_dir / "agent"
        folder.mkdir(exist_ok=True)
        (folder / f"tentacle-{VERSION}.pyz").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        (folder / f"tentacle-{VERSION}.pyz.sha256").write_text(digest)

    def start_deployment(self) -> str:
        """Deploy and wait until the script runs; return the id of the task."""
        group = self.get("projectgroups/all")[0]["Id"]
        lifecycle = self.get("lifecycles/all")[0]["Id"]
        project = self.post(
            "projects", {"Name": "Web", "ProjectGroupId": group, "LifecycleId": lifecycle}
        )
        path = f"projects/{project['Id']}/deploymentprocesses"
        action = {
            "Id": "",
            "Name": "Wait",
            "ActionType": "Octopus.Script",
            "Packages": [],
            "Properties": {
                "Octopus.Action.Script.ScriptSource": "Inline",
                "Octopus.Action.Script.Syntax": "Bash",
                "Octopus.Action.Script.ScriptBody": _SCRIPT.format(folder=self.folder),
            },
        }
        step = {
            "Id": "",
            "Name": "Wait",
            "Condition": "Success",
            "StartTrigger": "StartAfterPrevious",
            "Properties": {"Octopus.Action.TargetRoles": "web"},
            "Actions": [action],
        }
        process = {**self.get(path), "Steps": [step]}
        self.server.call("PUT", f"{SPACE}/{path}", process)
        release = self.post("releases", {"ProjectId": project["Id"], "Version": "1.0.0"})
        task = self.post(
            "deployments", {"ReleaseId": release["Id"], "EnvironmentId": self.environment}
        )["TaskId"]
        wait_until((self.folder / "witness").exists, seconds=60, what="the script")
        return str(task)

    def upgrade(self) -> dict[str, Any]:
        """Ask for the upgrade and return how it ended."""
        self.post(f"machines/{self.machine()}/upgrade", {})
        ends = {"done", "failed", "refused", "silent"}
        wait_until(
            lambda: self.connection()["Upgrade"]["Stage"] in ends, seconds=60, what="the upgrade"
        )
        return self.connection()

    def machine(self) -> str:
        return str(self.get("machines/all")[0]["Id"])

    def connection(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"machines/{self.machine()}/connection")
        return found

    def get(self, path: str) -> Any:
        return self.server.call("GET", f"{SPACE}/{path}")

    def post(self, path: str, body: Any) -> Any:
        return self.server.call("POST", f"{SPACE}/{path}", body)


@pytest.fixture
def site(processes: Processes, tmp_path: Path) -> Site:
    return Site(processes, tmp_path)


@pytest.mark.thorough
def test_a_broken_program_is_rolled_back_and_a_good_one_kept(site: Site, tmp_path: Path) -> None:
    broken = ("spawner = fork_spawner()", "raise SystemExit(4)")
    site.offer(made(tmp_path / "broken.pyz", cli=broken))
    site.start_agent()
    assert site.connection()["CurrentTentacleVersion"] == OLD
    task = site.start_deployment()
    ended = site.upgrade()
    assert ended["Upgrade"]["Stage"] == "failed"
    assert "ended with exit code 4 before the server welcomed it" in ended["Upgrade"]["Detail"]
    assert (ended["CurrentTentacleVersion"], ended["Status"]) == (OLD, "Healthy")
    site.offer(made(tmp_path / "good.pyz"))
    ended = site.upgrade()
    assert (ended["Upgrade"]["Stage"], ended["Upgrade"]["Detail"]) == ("done", "")
    assert (ended["CurrentTentacleVersion"], ended["Status"]) == (VERSION, "Healthy")
    assert not site.get(f"tasks/{task}")["IsCompleted"]
    (tmp_path / "go").touch()
    wait_until(lambda: site.get(f"tasks/{task}")["IsCompleted"], seconds=60, what="the task")
    assert site.get(f"tasks/{task}")["State"] == "Success", site.server.logs()
    assert (tmp_path / "witness").read_text() == "start\n"
    raw = site.server.call("GET", f"{SPACE}/tasks/{task}/details")
    assert "the end of it" in str(raw)
