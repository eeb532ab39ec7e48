"""Backups of servers that have deployed, restored into empty ones, which deploy as before."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agent.version import VERSION
from tests.support.postgres import running_postgres
from tests.support.processes import Processes, wait_until
from tests.support.server import API_KEY, TENTACLE, OctopusServer, make_server

SPACE = "/api/Spaces-1"
SECRET = "the secret of before"
# Three starts of a whole server, and two migrations from nothing.
pytestmark = pytest.mark.timeout(300)


class Site:
    """A server, an agent on which it deploys, and a project with a secret."""

    def __init__(self, server: OctopusServer, folder: Path) -> None:
        self.server = server
        self.folder = folder

    def post(self, path: str, body: Any) -> Any:
        return self.server.call("POST", f"{SPACE}/{path}", body)

    def get(self, path: str) -> Any:
        return self.server.call("GET", f"{SPACE}/{path}")

    def put(self, path: str, body: Any) -> Any:
        return self.server.call("PUT", f"{SPACE}/{path}", body)

    def start_agent(self) -> None:
        home = self.folder / "agent"
        registration = self.server.processes.start(
            "register",
            [
                *(TENTACLE, "register", "--server", self.server.url, "--name", "web-1"),
                *("--environment", "Test", "--role", "web", "--home", home),
            ],
            environment={"TENTACLE_API_KEY": API_KEY},
        )
        assert registration.wait_for_exit() == 0, registration.log()
        self.server.processes.start("tentacle", [TENTACLE, "run", "--home", home])

    def make_project(self) -> str:
        """Make a project whose script writes the secret into a file."""
        group = self.get("projectgroups/all")[0]["Id"]
        lifecycle = self.get("lifecycles/all")[0]["Id"]
        body = {"Name": "Web", "ProjectGroupId": group, "LifecycleId": lifecycle}
        project = self.post("projects", body)
        variables = self.get(f"variables/{project['VariableSetId']}")
        variables["Variables"] = [{"Name": "Password", "Value": SECRET, "IsSensitive": True}]
        self.put(f"variables/{project['VariableSetId']}", variables)
        script = f'echo "$(get_octopusvariable Password)" >> {self.folder}/witness'
        action = {
            "Name": "Write",
            "ActionType": "Octopus.Script",
            "Properties": {
                "Octopus.Action.Script.ScriptSource": "Inline",
                "Octopus.Action.Script.Syntax": "Bash",
                "Octopus.Action.Script.ScriptBody": script,
            },
        }
        step = {
            "Name": "Write",
            "Properties": {"Octopus.Action.TargetRoles": "web"},
            "Actions": [action],
        }
        path = f"projects/{project['Id']}/deploymentprocesses"
        self.put(path, {**self.get(path), "Steps": [step]})
        return str(project["Id"])

    def deploy(self, project: str, version: str) -> None:
        """Make a release, deploy it and wait for its success."""
        environment = self.get("environments/all")[0]["Id"]
        release = self.post("releases", {"ProjectId": project, "Version": version})
        body = {"ReleaseId": release["Id"], "EnvironmentId": environment}
        task = self.post("deployments", body)["TaskId"]
        wait_until(
            lambda: self.get(f"tasks/{task}")["IsCompleted"], seconds=90, what="the deployment"
        )
        raw = self.get(f"tasks/{task}")
        assert raw["State"] == "Success", raw["ErrorMessage"]

    def nodes(self) -> list[tuple[str, bool]]:
        """Return version of each node, and whether it is offline."""
        summary = self.server.call("GET", "/api/octopusservernodes/summary")
        return [(row["Version"], row["IsOffline"]) for row in summary["Nodes"]]

    def witness(self) -> list[str]:
        return (self.folder / "witness").read_text().splitlines()


def restored_into(server: OctopusServer, file: Path, data: Path, url: str) -> OctopusServer:
    """Restore the backup into an empty data folder and database at the same address."""
    data.mkdir(parents=True)
    environment = {
        **server.environment,
        "OCTOPUS_DATA_DIR": str(data),
        "OCTOPUS_DATABASE_URL": url,
    }
    restored = replace(server, data_dir=data, environment=environment, main=None)
    back = restored.command("restore", str(file), "--maintenance")
    assert back.wait_for_exit(seconds=120) == 0, back.log()
    return restored


def backed_up(server: OctopusServer, file: Path) -> None:
    """Write a backup while the server runs, then stop it and delete all that it had."""
    made = server.command("backup", str(file), "--with-files")
    assert made.wait_for_exit() == 0, made.log()
    assert server.main
    server.main.terminate(seconds=60)
    shutil.rmtree(server.data_dir)


def test_restored_servers_deploy(processes: Processes, tmp_path: Path) -> None:
    """A trial on SQLite moves to PostgreSQL; its next backup goes to another database there."""
    server = make_server(processes, tmp_path)
    server.start()
    site = Site(server, tmp_path)
    site.post("environments", {"Name": "Test"})
    site.start_agent()
    project = site.make_project()
    site.deploy(project, "1.0.0")
    wait_until(lambda: site.nodes() == [(VERSION, False)], seconds=30, what="a sign of life")
    with running_postgres() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE another")
        for turn, database in enumerate(("octopus", "another"), 1):
            file = tmp_path / f"{turn}.zip"
            backed_up(server, file)
            there = url.replace("/octopus?", f"/{database}?")
            server = restored_into(server, file, tmp_path / database / "data", there)
            server.start()
            again = Site(server, tmp_path)
            assert server.call("GET", "/api/maintenanceconfiguration")["IsInMaintenanceMode"]
            versions = [row["Version"] for row in again.get("releases")["Items"]]
            assert versions == [f"1.0.{number}" for number in reversed(range(turn))]
            again.deploy(project, f"1.0.{turn}")
            assert again.witness() == [SECRET] * (turn + 1)
        refused = server.command("restore", str(file))
        assert refused.wait_for_exit() == 1
        assert "another server runs on the data folder" in refused.log()
        assert server.main
        server.main.terminate(seconds=60)
