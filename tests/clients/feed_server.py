"""The web process alone, as it serves the feed; what the clients' tests push and read."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.factories.packages import nupkg
from tests.support.processes import Processes
from tests.support.server import API_KEY, OctopusServer, make_server


@dataclass(frozen=True)
class FeedServer:
    """A running feed; `url` has no slash at its end."""

    server: OctopusServer
    key: str = API_KEY

    @property
    def url(self) -> str:
        return self.server.url

    def get(self, path: str) -> Any:
        """Return the JSON of an API path."""
        return self.server.call("GET", path)

    def versions(self, package_id: str) -> list[str]:
        """Return the versions of a package, newest first."""
        page = self.get(f"/api/packages?nuGetPackageId={package_id}&take=1000")
        return [item["Version"] for item in page["Items"]]

    def send(
        self, method: str, path: str, data: bytes = b"", **headers: str
    ) -> tuple[int, str, bytes]:
        """Return status, reason phrase and body of a plain request, with the key unless given."""
        sent = {"X-NuGet-ApiKey": self.key, **{k.replace("_", "-"): v for k, v in headers.items()}}
        request = urllib.request.Request(self.url + path, data or None, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.reason, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.reason, error.read()

    def push(self, package_id: str, version: str, **options: Any) -> None:
        """Push a package without any client."""
        data = nupkg(package_id, version, **options)
        status, reason, body = self.send(
            "PUT", "/nuget/packages", data, Content_Type="application/octet-stream"
        )
        assert status == 201, (reason, json.loads(body))


def write_package(folder: Path, package_id: str, version: str, **options: Any) -> Path:
    """Write a package to the folder, called as clients expect it."""
    path = folder / f"{package_id}.{version}.nupkg"
    path.write_bytes(nupkg(package_id, version, **options))
    return path


def start_feed_server(
    processes: Processes, folder: Path, environment: Mapping[str, str] | None = None
) -> FeedServer:
    """Migrate a new database and start the web process on it."""
    server = make_server(processes, folder, environment)
    assert server.command("migrate").wait_for_exit(seconds=90) == 0
    web = server.command("web", "--host", "127.0.0.1", "--workers", "1")
    web.wait_for_port(server.web_port, seconds=60)
    return FeedServer(server)
