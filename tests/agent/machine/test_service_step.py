"""The step that installs a service, by a real agent under a real systemd."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.agent.machine.agents import install_agent, wait_for_agent, zip_for_all
from tests.agent.machine.machine import Machine
from tests.clients.projects import (
    log_of,
    make_environment,
    make_project,
    package,
    set_steps,
    set_variables,
    step,
)
from tests.support.server import OctopusServer

SERVICE: Final = "Octopus.Action.SystemdService"
# What systemd and its shell-like files treat in a way of their own.
PLACE: Final = "Step 50% $HOME"
SECRET: Final = r"""hunter2 "x" \ $HOME `id` %n 'y' #{z}"""
APPLICATIONS: Final = f"/var/lib/octopus-tentacle/Tentacle/applications/{PLACE}"
# Tells of itself, and goes on.
TELLS: Final = b"""#!/bin/sh
{ printf '%s|' "$0" "$@" "$PWD" "$KEY" "$(id -un)" && cat version; } > /tmp/$NAME
exec sleep infinity
"""


@dataclass
class Site:
    """A server and a machine with an agent of it."""

    machine: Machine
    octopus: OctopusServer
    environment: str

    def project(self, name: str) -> str:
        project = make_project(self.octopus, name, self.environment)
        set_variables(self.octopus, project, {}, {"Key": SECRET})
        return project

    def push(self, name: str, version: str, program: bytes = TELLS) -> None:
        files = {"bin/run": program, "version": version.encode()}
        self.octopus.push(f"{name}.{version}.zip", zip_for_all(files))

    def deploy(self, project: str, *steps: dict[str, Any]) -> tuple[str, str]:
        """Deploy by these steps; returns the state and the log."""
        known = self.octopus.call("GET", f"/api/Spaces-1/projects/{project}")
        set_steps(self.octopus, project, steps)
        task = self.octopus.deploy(known["Name"], PLACE)
        return task["State"], log_of(self.octopus, task)

    def property(self, service: str, name: str) -> str:
        return self.machine.output(f"systemctl show --property={name} --value {service}")


@pytest.fixture(scope="module")
def site(machine: Machine, octopus: OctopusServer) -> Site:
    environment = make_environment(octopus, PLACE)
    said = install_agent(machine, octopus, "step-1", PLACE)
    assert "The service octopus-tentacle-tentacle.service is installed and started." in said
    wait_for_agent(octopus, "step-1")
    machine.output("useradd --create-home shop")
    return Site(machine, octopus, environment)


def service(package_id: str, name: str, **more: str) -> dict[str, Any]:
    """Return a step that installs a service whatever happened before."""
    given: Mapping[str, str] = {
        "ServiceName": name,
        "ExecutablePath": "bin/run",
        "Environment": f"NAME={name}\nKEY=#{{Key}}",
        **more,
    }
    properties = {f"{SERVICE}.{key}": value for key, value in given.items()}
    kind = "Octopus.SystemdService"
    return step(name, kind, properties, [package(package_id)], condition="Always")


def test_the_first_deployment_starts_and_the_next_restarts(site: Site) -> None:
    project = site.project("Lives")
    site.push("Lives", "1.0.0")
    step = service("Lives", "lives", Arguments='a "b c" ${NAME} %% $$d')
    state, log = site.deploy(project, step)
    assert state == "Success", log
    assert SECRET not in log
    place = f"{APPLICATIONS}/Lives/1.0.0"
    told = f"{place}/bin/run|a|b c|lives|%|$d|{place}|{SECRET}|root|1.0.0"
    assert site.machine.read("/tmp/lives").decode() == told
    assert site.property("lives", "ActiveState") == "active"
    assert site.machine.output("systemctl is-enabled lives") == "enabled"
    first = site.property("lives", "MainPID")

    site.push("Lives", "1.0.1")
    state, log = site.deploy(project, service("Lives", "lives"))
    assert state == "Success", log
    second = site.property("lives", "MainPID")
    assert second != first
    assert site.machine.read("/tmp/lives").endswith(b"|1.0.1")

    # One that is renamed stays until somebody removes it.
    site.push("Lives", "1.0.2")
    state, log = site.deploy(
        project, service("Lives", "lives", State="started"), service("Lives", "lives-on")
    )
    assert state == "Success", log
    assert site.property("lives", "MainPID") == second
    state, log = site.deploy(
        project, service("Lives", "lives-on", State="stopped", StartMode="disabled")
    )
    assert state == "Success", log
    for name, runs, starts in (
        ("lives", "active", "enabled"),
        ("lives-on", "inactive", "disabled"),
    ):
        assert site.property(name, "ActiveState") == runs
        assert site.machine.shell(f"systemctl is-enabled {name}")[1] == f"{starts}\n"


def test_what_breaks_fails_the_step_in_its_own_words_until_it_is_mended(site: Site) -> None:
    project = site.project("Breaks")
    site.push("Breaks.Once", "1.0.0", b"#!/bin/sh\necho no database at $NAME\nexit 3\n")
    # It runs whenever somebody looks.
    site.push("Breaks.Flaps", "1.0.0", b"#!/bin/sh\nsleep 0.9\necho no more\nexit 3\n")
    site.push("Breaks.Ready", "1.0.0")
    state, log = site.deploy(
        project,
        service("Breaks.Once", "once"),
        service("Breaks.Flaps", "flaps"),
        service("Breaks.Ready", "nobody", User="nobody-here"),
        service("Breaks.Ready", "ready"),
    )
    assert state == "Failed", log
    _, *told = re.split(r"== \w+: Step \d: (\w+) ==", log)
    parts = dict(zip(told[::2], told[1::2], strict=True))
    for name in ("once", "flaps", "nobody"):
        assert f"The service {name} does not run." in parts[name], log
        assert site.property(name, "NRestarts") != "0"
    assert "no database at once" in parts["once"]
    assert "status=3" in parts["once"]
    assert "no more" in parts["flaps"]
    assert "217/USER" in parts["nobody"]
    assert "The service ready is restarted" in parts["ready"]

    site.push("Breaks.Once", "1.0.1")
    state, log = site.deploy(project, service("Breaks.Once", "once"))
    assert state == "Success", log
    assert site.machine.read("/tmp/once").endswith(b"|1.0.1")


def test_a_program_that_ends_well_and_settings_that_systemd_passes_over(site: Site) -> None:
    project = site.project("Ends")
    site.push("Ends.Well", "1.0.0", b"#!/bin/sh\necho > /tmp/well\n")
    site.push("Ends.Badly", "1.0.0", b"#!/bin/sh\necho a job gone wrong\nexit 4\n")
    settings = "Type=oneshot\nMemoryMax=lots\nNice=5\nNonsense=1"
    state, log = site.deploy(
        project,
        service("Ends.Well", "well", UnitSettings=settings),
        service("Ends.Badly", "badly", UnitSettings="Type=oneshot", Restart="no"),
    )
    assert "The service well is restarted" in log
    assert site.machine.read("/tmp/well") == b"\n"
    warnings = [line for line in log.splitlines() if " Warning " in line]
    assert len(warnings) == 2, log
    assert "well.service:12" in warnings[0]
    assert "lots" in warnings[0]
    assert "'Nonsense'" in warnings[1]
    assert state == "Failed"
    assert "a job gone wrong" in log
    assert "The service badly does not run." in log


def test_it_runs_as_a_user_who_sees_nothing_else_of_the_agent(site: Site) -> None:
    project = site.project("User")
    site.push("User", "1.0.0")
    state, log = site.deploy(project, service("User", "user", User="shop"))
    assert state == "Success", log
    place = f"{APPLICATIONS}/User/1.0.0"
    told = f"{place}/bin/run|{place}|{SECRET}|shop|1.0.0"
    assert site.machine.read("/tmp/user").decode() == told
    home = "/var/lib/octopus-tentacle/Tentacle"
    for path in (f"{home}/credential", "/etc/systemd/system/user.service.environment"):
        assert "Permission denied" in site.machine.shell(f"cat {path}", user="shop")[1]
    seen = site.machine.output(f"find {home}/* -maxdepth 0 -type d -perm /o=rx", user="root")
    assert seen.split() == [f"{home}/applications"]
    assert "Permission denied" in site.machine.shell(f"ls {home}", user="shop")[1]
