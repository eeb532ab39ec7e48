"""The agent as a service of a real systemd: killed, stopped, rebooted and removed."""

from typing import Final

from tests.agent.machine.agents import install_agent, wait_for_agent
from tests.agent.machine.machine import Machine
from tests.clients.projects import (
    log_of,
    make_environment,
    make_project,
    script,
    set_steps,
    step,
)
from tests.support.processes import wait_until
from tests.support.server import OctopusServer

PLACE: Final = "Serviced"
UNIT: Final = "octopus-tentacle-tentacle.service"
WAITS: Final = (
    "touch /tmp/began; until [ -e /tmp/go ]; do sleep 0.1; done; echo it went on; touch /tmp/over"
)


def main_process(machine: Machine) -> str:
    return machine.output(f"systemctl show --property=MainPID --value {UNIT}")


def exists(machine: Machine, path: str) -> bool:
    return machine.shell(f"[ -e {path} ]")[0] == 0


def test_scripts_outlive_the_agent_and_the_agent_a_reboot(
    machine: Machine, octopus: OctopusServer
) -> None:
    project = make_project(octopus, PLACE, make_environment(octopus, PLACE))
    said = install_agent(machine, octopus, "serviced-1", PLACE)
    assert f"The service {UNIT} is installed and started." in said
    wait_for_agent(octopus, "serviced-1")
    assert machine.output("tentacle service status").splitlines() == [
        f"service: {UNIT}",
        "state: active",
        "at boot: enabled",
    ]

    set_steps(octopus, project, [step("Waits", "Octopus.Script", script(WAITS))])
    task = octopus.begin(PLACE, PLACE)
    wait_until(lambda: exists(machine, "/tmp/began"), seconds=60, what="the script")
    before = main_process(machine)
    machine.output(f"kill -9 {before}")
    wait_until(
        lambda: main_process(machine) not in {before, "0"}, seconds=30, what="the agent again"
    )
    assert "scripts that run go on" in machine.output("tentacle service stop")
    code, text = machine.shell("tentacle service status")
    assert code == 3
    assert "state: inactive" in text
    assert not exists(machine, "/tmp/over")
    machine.output("touch /tmp/go")
    wait_until(lambda: exists(machine, "/tmp/over"), seconds=30, what="its end")
    assert not octopus.call("GET", f"/api/tasks/{task}")["IsCompleted"]
    machine.output("tentacle service start")
    done = octopus.ended(task)
    assert done["State"] == "Success", log_of(octopus, done)
    assert log_of(octopus, done).count("it went on") == 1

    set_steps(octopus, project, [step("Says", "Octopus.Script", script("uptime --since"))])
    machine.reboot()
    done = octopus.deploy(PLACE, PLACE)
    assert done["State"] == "Success", log_of(octopus, done)

    assert "is removed" in machine.output("tentacle service uninstall")
    assert machine.shell(f"systemctl is-active {UNIT}")[1] == "inactive\n"
    assert "not-found" in machine.output(f"systemctl show --property=LoadState {UNIT}")
    code, text = machine.shell("tentacle service start")
    assert code == 1
    assert "is not installed; see 'tentacle service install'" in text
