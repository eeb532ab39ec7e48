"""A whole server as an operator runs it: `octopus-server up` in a data folder of its own."""

import io
import json
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import MASTER_KEY
from tests.support.migrated import migrated_database
from tests.support.processes import NotReadyError, Process, Processes, free_port, wait_until

API_KEY = "API-TESTSADMINISTRATORKEY0000000"
USERNAME = "ana"
PASSWORD = "Correct horse 7 battery"

_SCRIPTS = Path(sys.executable).parent
OCTOPUS_SERVER = _SCRIPTS / "octopus-server"
TENTACLE = _SCRIPTS / "tentacle"
_START_SECONDS = 150


@dataclass
class OctopusServer:
    """A server in a folder: its addresses, its first administrator, its processes."""

    data_dir: Path
    web_port: int
    gateway_port: int
    processes: Processes
    environment: dict[str, str] = field(default_factory=dict)
    main: Process | None = None
    wrapper: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def start(self) -> Process:
        """Start `octopus-server up`, or start it again; returns once its web process answers."""
        self.main = self.processes.start(
            "octopus-server", [*self.wrapper, OCTOPUS_SERVER, "up"], environment=self.environment
        )
        self._wait_for_answer(self.main)
        return self.main

    def command(self, *arguments: str) -> Process:
        """Start another command of `octopus-server` on the same data."""
        return self.processes.start(
            f"octopus-server-{arguments[0]}",
            [OCTOPUS_SERVER, *arguments],
            environment=self.environment,
        )

    def call(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Call the REST API as the administrator; returns the decoded JSON.

        Raises urllib.error.HTTPError for 4xx and 5xx.
        """
        request = urllib.request.Request(  # the address is ours
            f"{self.url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "X-Octopus-ApiKey": API_KEY,
                "Content-Type": "application/json",
                **(headers or {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            # What the server said goes into the report of the test, and stays readable.
            said = error.read()
            told = urllib.error.HTTPError(
                error.url, error.code, error.reason, error.headers, io.BytesIO(said)
            )
            told.add_note(said.decode("utf-8", "replace")[:2000])
            raise told from None
        return json.loads(content) if content else None

    def read(self, path: str) -> bytes:
        """Return what is at an address that answers no JSON."""
        request = urllib.request.Request(f"{self.url}{path}", headers={"X-Octopus-ApiKey": API_KEY})
        with urllib.request.urlopen(request, timeout=30) as response:
            return bytes(response.read())

    def push(self, file_name: str, data: bytes) -> None:
        """Push a package to the built-in feed."""
        request = urllib.request.Request(  # the address is ours
            f"{self.url}/api/packages/raw?fileName={file_name}",
            data=data,
            method="PUT",
            headers={"X-Octopus-ApiKey": API_KEY},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 201

    def deploy(self, project: str, environment: str) -> dict[str, Any]:
        """Cut a release, deploy it, and return the task when it has ended."""
        return self.ended(self.begin(project, environment))

    def begin(self, project: str, environment: str) -> str:
        """Cut a release and begin to deploy it; returns the id of the task."""
        space = "/api/Spaces-1"
        release = self.call("POST", f"{space}/releases/create/v1", {"projectName": project})
        wanted = {
            "projectName": project,
            "releaseVersion": release["ReleaseVersion"],
            "environmentNames": [environment],
        }
        made = self.call("POST", f"{space}/deployments/create/untenanted/v1", wanted)
        task: str = made["DeploymentServerTasks"][0]["ServerTaskId"]
        return task

    def ended(self, task: str) -> dict[str, Any]:
        """Wait for the end of a task and return it."""
        path = f"/api/tasks/{task}"
        wait_until(
            lambda: bool(self.call("GET", path)["IsCompleted"]), seconds=120, what="the deployment"
        )
        ended: dict[str, Any] = self.call("GET", path)
        return ended

    def logs(self) -> str:
        """Return the logs of the processes that `up` supervises."""
        return "\n".join(
            f"--- {path.name} ---\n{path.read_text(errors='replace')[-4000:]}"
            for path in sorted((self.data_dir / "logs").glob("*.log"))
        )

    def _answers(self) -> bool:
        try:
            self.call("GET", "/api/users/me")
        except urllib.error.HTTPError as error:
            raise NotReadyError(f"/api/users/me answered {error.code}\n{self.logs()}") from error
        except OSError:
            return False
        return True

    def _wait_for_answer(self, process: Process) -> None:
        try:
            process.wait_for_port(self.web_port, seconds=_START_SECONDS)
            wait_until(self._answers, seconds=_START_SECONDS, what="the web process")
        except NotReadyError as error:
            raise NotReadyError(f"{error}\n{self.logs()}") from error


def make_server(
    processes: Processes, folder: Path, environment: Mapping[str, str] | None = None
) -> OctopusServer:
    """Describe a server on free ports in a new folder; `start()` runs it.

    `environment` may name a database, a storage or anything else of the settings.
    """
    data_dir = folder / "data"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not (environment or {}).get("OCTOPUS_DATABASE_URL"):
        shutil.copyfile(migrated_database(), data_dir / "octopus.sqlite3")
    web_port, gateway_port = free_port(), free_port()
    own = {
        "DJANGO_SETTINGS_MODULE": "octopus_site.settings",
        "OCTOPUS_DATA_DIR": str(data_dir),
        "OCTOPUS_WEB_PORT": str(web_port),
        "OCTOPUS_GATEWAY_PORT": str(gateway_port),
        # One starts quicker; what needs more says so.
        "OCTOPUS_WEB_PROCESSES": "1",
        "OCTOPUS_SERVER_URL": f"http://127.0.0.1:{web_port}",
        "OCTOPUS_MASTER_KEY": MASTER_KEY,
        "OCTOPUS_DATABASE_URL": "",
        "ADMIN_USERNAME": USERNAME,
        "ADMIN_PASSWORD": PASSWORD,
        "ADMIN_EMAIL": "ana@example.com",
        "ADMIN_API_KEY": API_KEY,
        **(environment or {}),
    }
    return OctopusServer(data_dir, web_port, gateway_port, processes, own)


@pytest.fixture(scope="session")
def octopus(
    session_processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OctopusServer]:
    """Give a running server shared by the session: make projects and targets of your own in it.

    A test that kills or stops parts makes its own with `make_server(processes, tmp_path)`.
    """
    server = make_server(session_processes, tmp_path_factory.mktemp("octopus"))
    server.start()
    yield server
    if server.main:
        server.main.terminate()
