"""A real deployment to Debian's nginx and to systemd, compared byte by byte on the disk.

A service reads its configured files, nginx serves a page with a certificate of the library and
leads to the service.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.agent.machine.agents import install_agent, wait_for_agent, zip_for_all
from tests.agent.machine.machine import Machine
from tests.clients.projects import (
    SPACE,
    log_of,
    make_environment,
    make_project,
    package,
    set_steps,
    set_variables,
    step,
)
from tests.factories.certificates import Issued, issue
from tests.support.processes import free_port
from tests.support.server import OctopusServer

PLACE: Final = "Hosted"
HOST: Final = "shop.example.com"
SECRET: Final = 'tr0ub4dor "&" $3'
APPLICATIONS: Final = f"/var/lib/octopus-tentacle/Tentacle/applications/{PLACE}"
# Answers with what it was given.
PROGRAM: Final = b"""#!/usr/bin/python3
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = [self.headers["X-Forwarded-Proto"], self.path, os.environ["KEY"], sys.argv[1:]]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

settings = json.load(open("settings.json"))
http.server.HTTPServer(("127.0.0.1", settings["port"]), Handler).serve_forever()
"""
SETTINGS: Final = b'{\r\n  "port" : 1,\r\n  "level":"info" }'
PAGE: Final = "<p>#{Greeting} ##{kept}</p>\r\n".encode("utf-16-le")
UNIT: Final = f"""[Unit]
Description=Shop 50%% API
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={APPLICATIONS}/Hosted.Api/1.0.0/bin/api --color "dark green"
WorkingDirectory={APPLICATIONS}/Hosted.Api/1.0.0
EnvironmentFile=/etc/systemd/system/hosted-api.service.environment
Restart=always
User=daemon
Nice=5

[Install]
WantedBy=multi-user.target
"""
VIRTUAL_HOST: Final = f"""server {{
    listen 127.0.0.1:{{port}} ssl;
    ssl_certificate /etc/ssl/hosted/Site.crt;
    ssl_certificate_key /etc/ssl/hosted/Site.key;
    server_name {HOST};

    location / {{
        root {APPLICATIONS}/Hosted.Web/1.0.0;
        try_files $uri $uri/ =404;
        add_header X-Frame-Options DENY;
    }}

    location /api/ {{
        proxy_pass http://127.0.0.1:{{api}};
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection keep-alive;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_http_version 1.1;
        proxy_cache_bypass $http_upgrade;
    }}
}}
"""


@dataclass
class Ports:
    """Where nginx and the service listen."""

    nginx: int
    api: int


@pytest.fixture
def site(machine: Machine, octopus: OctopusServer) -> Issued:
    """Give the certificate of the host, on a machine where nginx runs without any site."""
    machine.output("rm -f /etc/nginx/sites-enabled/* /etc/nginx/conf.d/*; systemctl start nginx")
    issued = issue(HOST, hosts=[HOST])
    machine.output(f"echo '{issued.pem.decode()}' > /tmp/site.pem")
    return issued


def test_a_service_behind_nginx(machine: Machine, octopus: OctopusServer, site: Issued) -> None:
    ports = Ports(free_port(), free_port())
    project = make_project(octopus, PLACE, make_environment(octopus, PLACE))
    install_agent(machine, octopus, "hosted-1", PLACE)
    wait_for_agent(octopus, "hosted-1")
    plain = {
        "Greeting": "Grüße, #{Octopus.Environment.Name}",
        "port": str(ports.api),
        "level": "debug",
        "Color": "dark green",
    }
    set_variables(octopus, project, plain, {"Key": SECRET}, Site=upload(octopus, site))
    api = {"bin/api": PROGRAM, "settings.json": SETTINGS, "PreDeploy.sh": b"echo pre > order"}
    octopus.push("Hosted.Api.1.0.0.zip", zip_for_all(api))
    octopus.push("Hosted.Web.1.0.0.zip", zip_for_all({"index.html": b"\xff\xfe" + PAGE}))
    set_steps(octopus, project, [service(), web(ports)])
    task = octopus.deploy(PLACE, PLACE)
    log = log_of(octopus, task)
    assert task["State"] == "Success", log
    assert "syntax is ok" in log
    for secret in (SECRET, "PRIVATE KEY"):
        assert secret not in log

    host = VIRTUAL_HOST.replace("{port}", str(ports.nginx)).replace("{api}", str(ports.api))
    assert machine.files(f"{APPLICATIONS}/Hosted.Api/1.0.0") == {
        "bin/api": PROGRAM,
        "settings.json": b'{\r\n  "port" : %d,\r\n  "level":"debug" }' % ports.api,
        "order": b"pre\npost\n",
    }
    page = b"\xff\xfe" + "<p>Grüße, Hosted #{kept}</p>\r\n".encode("utf-16-le")
    assert machine.files(f"{APPLICATIONS}/Hosted.Web/1.0.0") == {"index.html": page}
    assert machine.files("/etc/nginx/conf.d") == {"hosted.conf": host.encode()}
    assert machine.files("/etc/ssl/hosted") == {
        "Site.crt": site.pem + b"\n",
        "Site.key": site.key_pem(),
    }
    units = machine.files("/etc/systemd/system")
    assert units["hosted-api.service"].decode() == UNIT
    assert units["hosted-api.service.environment"] == b'KEY="tr0ub4dor \\"&\\" \\$3"\n'
    modes = "stat --format=%a /etc/ssl/hosted/Site.key /etc/systemd/system/hosted-api.service.*"
    assert machine.output(modes).split() == ["600", "600"]

    assert get(machine, ports, "/") == page
    told = json.loads(get(machine, ports, "/api/x"))
    assert told == ["https", "/api/x", SECRET, ["--color", "dark green"]]

    refused = web(ports, no_such_directive="on")
    set_steps(octopus, project, [refused])
    task = octopus.deploy(PLACE, PLACE)
    assert task["State"] == "Failed"
    assert 'unknown directive "no_such_directive"' in log_of(octopus, task)
    assert machine.files("/etc/nginx/conf.d") == {"hosted.conf": host.encode()}
    assert get(machine, ports, "/") == page


def upload(octopus: OctopusServer, site: Issued) -> str:
    data = base64.b64encode(site.pem_file()).decode()
    body = {"Name": "Site", "CertificateData": {"HasValue": True, "NewValue": data}}
    made: str = octopus.call("POST", f"{SPACE}/certificates", body)["Id"]
    return made


def get(machine: Machine, ports: Ports, path: str) -> bytes:
    """Ask nginx as a browser does, which believes this certificate alone."""
    there = f"--cacert /tmp/site.pem --resolve {HOST}:{ports.nginx}:127.0.0.1"
    url = f"https://{HOST}:{ports.nginx}{path}"
    machine.output(f"curl -fsS {there} --output /tmp/got {url}")
    return machine.read("/tmp/got")


def service() -> dict[str, Any]:
    features = ("CustomScripts", "JsonConfigurationVariables")
    prefix = "Octopus.Action.SystemdService"
    properties = {
        "Octopus.Action.EnabledFeatures": ",".join(f"Octopus.Features.{name}" for name in features),
        "Octopus.Action.Package.JsonConfigurationVariablesTargets": "*.json",
        "Octopus.Action.CustomScripts.PostDeploy.sh": "echo post >> order",
        f"{prefix}.ServiceName": "hosted-api.service",
        f"{prefix}.Description": "Shop 50% API",
        f"{prefix}.ExecutablePath": "bin/api",
        f"{prefix}.Arguments": '--color "#{Color}"',
        f"{prefix}.Environment": "KEY=#{Key}",
        f"{prefix}.User": "daemon",
        f"{prefix}.Restart": "always",
        f"{prefix}.UnitSettings": "Nice=5",
    }
    return step("Service", "Octopus.SystemdService", properties, [package("Hosted.Api")])


def web(ports: Ports, **directives: str) -> dict[str, Any]:
    prefix = "Octopus.Action.Nginx.Server"
    binding = {
        "protocol": "https",
        "port": str(ports.nginx),
        "ipAddress": "127.0.0.1",
        "certificateVariable": "Site",
    }
    page = {
        "path": "/",
        "directives": {"try_files": "$uri $uri/ =404", **directives},
        "headers": {"X-Frame-Options": "DENY"},
    }
    behind = {"reverseProxy": True, "reverseProxyUrl": f"http://127.0.0.1:{ports.api}"}
    properties = {
        "Octopus.Action.EnabledFeatures": "Octopus.Features.SubstituteInFiles",
        "Octopus.Action.SubstituteInFiles.TargetFiles": "*.html",
        f"{prefix}.HostName": HOST,
        f"{prefix}.ConfigName": "hosted",
        f"{prefix}.Bindings": json.dumps([binding]),
        f"{prefix}.Locations": json.dumps([page, {"path": "/api/", **behind}]),
    }
    return step("Site", "Octopus.Nginx", properties, [package("Hosted.Web")])
