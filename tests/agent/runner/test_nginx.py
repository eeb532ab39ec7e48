"""Serving a package with a real nginx: taken over, refused and taken back."""

import io
import json
import os
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Processes, free_port
from tests.tools.install import nginx_program

Agent = Any
MAIN = """{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; return 204; }}
    include {folder}/conf.d/*.conf;
}}
"""


@dataclass
class Nginx:
    """A running nginx: its folder and a port that its virtual hosts may take."""

    folder: Path
    port: int

    def get(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture
def nginx(processes: Processes, tmp_path: Path) -> Iterator[Nginx]:
    folder = tmp_path / "nginx"
    (folder / "conf.d").mkdir(parents=True)
    program, port = nginx_program(), free_port()
    assert program, "nginx is not installed"
    # Its workers would be somebody who may not read a test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    main = folder / "nginx.conf"
    main.write_text(MAIN.format(folder=folder, port=port, user=user))
    server = processes.start("nginx", [program, "-p", folder, "-c", main])
    server.wait_for_port(port, seconds=30)
    yield Nginx(folder, free_port())
    server.terminate()


def deploy(agent: Agent, nginx: Nginx, text: str, **more: Any) -> Any:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.html", text)
    prefix = "Octopus.Action.Nginx"
    listens = [{"protocol": "http", "port": str(nginx.port), "ipAddress": "127.0.0.1"}]
    given = {
        "Octopus.Environment.Name": "Staging",
        "OctopusSkipFreeDiskSpaceCheck": "True",
        "Octopus.Action.EnabledFeatures": "Octopus.Features.SubstituteInFiles",
        "Octopus.Action.SubstituteInFiles.TargetFiles": "*.html",
        "Color": "green",
        f"{prefix}.Server.Bindings": json.dumps(listens),
        f"{prefix}.Server.Locations": json.dumps([{"path": "/", **more}]),
        f"{prefix}.ConfigurationsDirectory": str(nginx.folder / "conf.d"),
        f"{prefix}.MainConfiguration": str(nginx.folder / "nginx.conf"),
    }
    package = agent.add_package(buffer.getvalue())
    return agent.run(given, kind="deploy_nginx", packages=[package])


def test_a_package_is_served_and_what_is_refused_changes_nothing(
    agent: Agent, nginx: Nginx
) -> None:
    first = deploy(agent, nginx, "hello #{Color}")
    assert first.exit["exit"] == 0, first.text
    assert nginx.get() == "hello green"
    place = nginx.folder / "conf.d/Acme.Web.conf"
    before = place.read_bytes()

    refused = deploy(agent, nginx, "never", directives={"no_such_directive": "on"})
    assert refused.exit["exit"] == 1
    assert "what it had before is back in place" in refused.exit["message"]
    assert place.read_bytes() == before
    assert nginx.get() == "hello green"

    second = deploy(agent, nginx, "again")
    assert second.exit["exit"] == 0, second.text
    assert [path.name for path in place.parent.iterdir()] == ["Acme.Web.conf"]
    assert place.read_bytes() != before


def test_bad_settings_are_told(agent: Agent, nginx: Nginx) -> None:
    run = deploy(agent, nginx, "x", path="/only")
    assert "there is no location / among the locations" in run.exit["message"]
    assert list((nginx.folder / "conf.d").iterdir()) == []
