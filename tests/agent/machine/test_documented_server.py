"""The server as docs/production.md installs it: four services of a real systemd, which deploy."""

import re
import shlex
import sys
from pathlib import Path
from typing import Final

from octopus_site.conf import redis_socket
from octopus_site.up.redis_server import redis_command
from tests.agent.machine.agents import install_agent, wait_for_agent
from tests.agent.machine.machine import SOURCE, Machine
from tests.clients.projects import (
    log_of,
    make_environment,
    make_project,
    script,
    set_steps,
    step,
)
from tests.support.processes import Processes, free_port, wait_until
from tests.support.server import API_KEY, PASSWORD, USERNAME, OctopusServer
from tests.tools.install import ROOT

PLACE: Final = "Production"
KINDS: Final = ("web", "gateway", "worker", "beat")
PROGRAM: Final = "/opt/octopus/bin/octopus-server"
DATA: Final = Path("/var/lib/octopus")


def documented(pattern: str) -> str:
    """Return lines of docs/production.md as somebody copies them."""
    text = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    assert found
    return re.sub("^    ", "", found[0], flags=re.MULTILINE)


def write(machine: Machine, path: str, text: str) -> None:
    machine.output(f"mkdir -p $(dirname {path}) && cat > {path} <<'END'\n{text}\nEND")


def install(machine: Machine, server: OctopusServer) -> None:
    """Do what the page says, save that the program is that of the tests."""
    for folder in Path(sys.base_prefix).parents:
        machine.output(f"chmod o+x {folder}")
    python = f"PYTHONPATH={SOURCE} exec {SOURCE}/.venv/bin/python -m octopus_site.cli"
    write(machine, PROGRAM, f'#!/bin/sh\n{python} "$@"')
    machine.output(f"chmod 755 {PROGRAM}")
    machine.output(documented(r"^    useradd .*?master\.key\n\n"))
    settings = {
        "OCTOPUS_DATA_DIR": DATA,
        "OCTOPUS_SERVER_URL": server.url,
        "OCTOPUS_WEB_PORT": server.web_port,
        "OCTOPUS_GATEWAY_PORT": server.gateway_port,
        "OCTOPUS_REDIS_URL": f"unix://{redis_socket(DATA)}",
        "OCTOPUS_MASTER_KEY_FILE": "/etc/octopus/master.key",
    }
    lines = "\n".join(f"{name}={value}" for name, value in settings.items())
    write(machine, "/etc/octopus/octopus.env", lines)
    write(
        machine,
        "/etc/systemd/system/octopus@.service",
        documented(r"^    \[Unit\]\n.*?WantedBy=\S+\n"),
    )
    redis = shlex.join(redis_command(DATA)).replace(str(ROOT), SOURCE)
    machine.output(f"systemd-run --uid=octopus --unit=redis {redis}")
    machine.output(
        f"set -a; . /etc/octopus/octopus.env; setpriv --reuid=octopus --regid=octopus"
        f" --init-groups {PROGRAM} migrate",
        ADMIN_USERNAME=USERNAME,
        ADMIN_PASSWORD=PASSWORD,
        ADMIN_API_KEY=API_KEY,
    )
    machine.output(documented(r"^    systemctl enable --now octopus@[^\n]+\n"))


def test_the_services_deploy(machine: Machine, processes: Processes) -> None:
    server = OctopusServer(DATA, free_port(), free_port(), processes)
    install(machine, server)
    ask = f"curl -fs {server.url}/api/users/me -H X-Octopus-ApiKey:{API_KEY}"
    wait_until(lambda: machine.shell(ask)[0] == 0, seconds=120, what="the server")
    project = make_project(server, PLACE, make_environment(server, PLACE))
    install_agent(machine, server, "production-1", PLACE)
    wait_for_agent(server, "production-1")
    set_steps(server, project, [step("Says", "Octopus.Script", script("echo it was deployed"))])
    task = server.deploy(PLACE, PLACE)
    assert task["State"] == "Success", log_of(server, task)
    assert "it was deployed" in log_of(server, task)
    units = [f"octopus@{kind}" for kind in KINDS]
    for unit in units:
        state = machine.output(f"systemctl show --property=ActiveState,NRestarts {unit}")
        journal = machine.output(f"journalctl --no-pager --lines=30 --unit={unit}")
        assert set(state.split()) == {"ActiveState=active", "NRestarts=0"}, journal
    machine.output(f"systemctl stop {' '.join(units)}")
    for unit in units:
        assert machine.output(f"systemctl show --property=Result --value {unit}") == "success"
