"""Serving a package with a real nginx: taken over, refused and taken back."""

import io
import json
import os
import socket
import ssl
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.factories.certificates import Issued, issue
from tests.support.processes import Processes, accepts_connections, free_port, wait_until
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
    include {folder}/conf.d/*;
}}
"""


@dataclass
class Nginx:
    """A running nginx: its folder and a port that its virtual hosts may take."""

    folder: Path
    port: int

    def get(self) -> str:
        """Return the page, once nginx listens: a moment after a reload."""
        wait_until(lambda: accepts_connections(self.port), seconds=30, what="nginx")
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=30) as answer:
            return str(answer.read().decode())

    def shows(self, certificate: bytes) -> bool:
        """Tell whether visitors are shown the certificate (DER), a moment after a reload."""
        wait_until(lambda: accepts_connections(self.port), seconds=30, what="nginx")
        for _ in range(300):
            if self._certificate() == certificate:
                return True
            time.sleep(0.1)
        return False

    def _certificate(self) -> bytes:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection,
            context.wrap_socket(connection) as secured,
        ):
            return secured.getpeercert(binary_form=True) or b""


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


def deploy(
    agent: Agent,
    nginx: Nginx,
    text: str,
    binding: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    **more: Any,
) -> Any:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.html", text)
    prefix = "Octopus.Action.Nginx"
    usual = {"protocol": "http", "port": str(nginx.port), "ipAddress": "127.0.0.1"}
    listens = [binding or usual]
    given = {
        "Octopus.Environment.Name": "Staging",
        "OctopusSkipFreeDiskSpaceCheck": "True",
        "Octopus.Action.EnabledFeatures": "Octopus.Features.SubstituteInFiles",
        "Octopus.Action.SubstituteInFiles.TargetFiles": "*.html",
        "Color": "green",
        **(variables or {}),
        f"{prefix}.Server.Bindings": json.dumps(listens),
        f"{prefix}.Server.Locations": json.dumps([{"path": "/", **more}]),
        f"{prefix}.ConfigurationsDirectory": str(nginx.folder / "conf.d"),
        f"{prefix}.CertificatesDirectory": str(nginx.folder / "ssl"),
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
    # It never saw the host before beside the new one.
    assert "conflicting server name" not in second.text
    assert [path.name for path in place.parent.iterdir()] == ["Acme.Web.conf"]
    assert place.read_bytes() != before


def sealed(issued: Issued, name: str = "Site") -> dict[str, str]:
    """Return the variables of a certificate as the server sends them."""
    chain = b"".join(each.pem for each in issued.chain)
    return {
        f"{name}.CertificatePem": issued.pem.decode(),
        f"{name}.ChainPem": chain.decode(),
        f"{name}.PrivateKeyPem": issued.key_pem().decode(),
    }


def test_a_certificate_of_the_library_is_served_and_taken_back(agent: Agent, nginx: Nginx) -> None:
    binding = {
        "protocol": "https",
        "port": str(nginx.port),
        "ipAddress": "127.0.0.1",
        "certificateVariable": "Site",
    }
    root = issue("Acme Root")
    first, second = issue("localhost", root, hosts=["localhost"]), issue("localhost", root)
    done = deploy(agent, nginx, "safe", binding, sealed(first))
    assert done.exit["exit"] == 0, done.text
    assert nginx.shows(first.der)
    folder = nginx.folder / "ssl/Acme.Web"
    files = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert files == {"Site.crt": 0o644, "Site.key": 0o600}
    assert (folder / "Site.crt").read_bytes().strip() == (first.pem + b"\n" + root.pem).strip()
    refused = deploy(agent, nginx, "no", binding, sealed(second), directives={"no_such": "on"})
    assert refused.exit["exit"] == 1
    assert (folder / "Site.key").read_bytes() == first.key_pem()
    done = deploy(agent, nginx, "safe", binding, sealed(second))
    assert done.exit["exit"] == 0, done.text
    assert nginx.shows(second.der)
    assert "PRIVATE KEY" not in done.text


@pytest.mark.parametrize(
    ("lacks", "words"),
    [("CertificatePem", "names no certificate"), ("PrivateKeyPem", "has no private key")],
)
def test_a_certificate_that_cannot_serve_is_told(
    agent: Agent, nginx: Nginx, lacks: str, words: str
) -> None:
    given = sealed(issue("localhost"))
    del given[f"Site.{lacks}"]
    binding = {"protocol": "https", "port": "443", "certificateVariable": "Site"}
    run = deploy(agent, nginx, "x", binding, given)
    assert words in run.exit["message"]


def test_bad_settings_are_told(agent: Agent, nginx: Nginx) -> None:
    run = deploy(agent, nginx, "x", path="/only")
    assert "there is no location / among the locations" in run.exit["message"]
    assert list((nginx.folder / "conf.d").iterdir()) == []
