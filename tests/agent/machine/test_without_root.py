"""An agent that is not root: services of its user, and those of the machine by sudo."""

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
    step,
)
from tests.support.server import OctopusServer

SERVICE: Final = "Octopus.Action.SystemdService"
PLACE: Final = "Rootless"
USER: Final = "deployer"
FOLDER: Final = f"/home/{USER}/.local/share/octopus-tentacle/Tentacle"
PROGRAM: Final = b"#!/bin/sh\nid -un > /tmp/$NAME\nexec sleep infinity\n"


@pytest.fixture(scope="module")
def agent(machine: Machine, octopus: OctopusServer) -> Machine:
    """Give the machine with an agent of a user, which root made a service."""
    machine.output(f"useradd --create-home --shell /bin/bash {USER}")
    make_project(octopus, PLACE, make_environment(octopus, PLACE))
    said = install_agent(machine, octopus, "rootless-1", PLACE, user=USER)
    assert "No service was installed: that needs root and systemd." in said
    tentacle = f"/home/{USER}/.local/bin/tentacle service install --home {FOLDER}"
    for user, words in (
        ("nobody-here", "There is no user nobody-here."),
        ("daemon", f"{FOLDER} does not belong to daemon: run 'chown -R daemon {FOLDER}' first"),
    ):
        code, text = machine.shell(f"{tentacle} --user {user}")
        assert (code, words in text) == (1, True), text
    assert "is installed and started" in machine.output(f"{tentacle} --user {USER}")
    code, text = machine.shell(f"/home/{USER}/.local/bin/tentacle service stop", user=USER)
    assert (code, text) == (1, "Stopping a service needs root: run this with sudo.\n")
    wait_for_agent(octopus, "rootless-1")
    octopus.push("Rootless.App.1.0.0.zip", zip_for_all({"bin/run": PROGRAM}))
    dies = zip_for_all({"bin/run": b"#!/bin/sh\necho without a chance\nexit 3\n"})
    octopus.push("Rootless.Dies.1.0.0.zip", dies)
    return machine


def run(octopus: OctopusServer, name: str, package_id: str, **more: str) -> tuple[str, str]:
    """Deploy one service; returns the state and the log."""
    given = {"ServiceName": name, "ExecutablePath": "bin/run", "Environment": f"NAME={name}"}
    properties = {f"{SERVICE}.{key}": value for key, value in (given | more).items()}
    [project] = [
        each for each in octopus.call("GET", "/api/Spaces-1/projects/all") if each["Name"] == PLACE
    ]
    steps: list[dict[str, Any]] = [
        step(name, "Octopus.SystemdService", properties, [package(package_id)])
    ]
    set_steps(octopus, project["Id"], steps)
    task = octopus.deploy(PLACE, PLACE)
    return task["State"], log_of(octopus, task)


def test_services_of_the_user(agent: Machine, octopus: OctopusServer) -> None:
    agent.output(f"loginctl disable-linger {USER}; systemctl stop user@$(id -u {USER})")
    state, log = run(octopus, "mine", "Rootless.App", Scope="user")
    assert state == "Failed"
    assert f"does not run for the user {USER}; 'loginctl enable-linger {USER}' starts it." in log
    agent.output(f"loginctl enable-linger {USER}")

    state, log = run(octopus, "mine", "Rootless.App", Scope="user")
    assert state == "Success", log
    assert agent.read("/tmp/mine").decode() == f"{USER}\n"
    runtime = {"XDG_RUNTIME_DIR": agent.output(f"echo /run/user/$(id -u {USER})")}
    ask = "systemctl --user is-active mine; systemctl --user is-enabled mine"
    assert agent.output(ask, user=USER, **runtime) == "active\nenabled"
    state, log = run(octopus, "dies", "Rootless.Dies", Scope="user")
    assert state == "Failed"
    assert "without a chance" in log

    agent.output("rm /tmp/mine")
    agent.reboot()
    agent.output("for n in $(seq 100); do [ -e /tmp/mine ] && exit; sleep 0.1; done; exit 1")


def test_services_of_the_machine_by_sudo(agent: Machine, octopus: OctopusServer) -> None:
    agent.output("rm -f /etc/sudoers.d/deployer")
    state, log = run(octopus, "ours", "Rootless.App", User="daemon")
    assert state == "Failed"
    assert "sudo: a password is required" in log
    assert "/etc/systemd/system/ours.service.environment cannot be written." in log
    programs = "/usr/bin/install, /usr/bin/mv, /usr/bin/systemctl, /usr/bin/journalctl"
    rule = f"{USER} ALL = NOPASSWD: {programs}"
    agent.output(f"echo '{rule}' > /etc/sudoers.d/deployer")
    agent.output(f"chmod o+x /home/{USER}")

    state, log = run(octopus, "ours", "Rootless.App", User="daemon")
    assert state == "Success", log
    assert agent.read("/tmp/ours") == b"daemon\n"
    assert agent.output("stat --format='%U %a' /etc/systemd/system/ours.service*").split("\n") == [
        "root 644",
        "root 600",
    ]
    state, log = run(octopus, "dead", "Rootless.Dies")
    assert state == "Failed"
    assert "without a chance" in log
