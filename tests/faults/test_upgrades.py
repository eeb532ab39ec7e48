"""Gateways that take turns, and an agent that is installed again."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.faults.harness.scripts import Script
from tests.faults.lab import Lab
from tests.support.processes import Process, free_port, wait_until
from tests.support.server import API_KEY, OCTOPUS_SERVER, TENTACLE


@pytest.fixture
def second_gateway(lab: Lab) -> Iterator[tuple[Process, int]]:
    port = free_port()
    gateway = lab.processes.start(
        "second-gateway",
        [OCTOPUS_SERVER, "gateway", "--host", "::1"],
        environment={**lab.server.environment, "OCTOPUS_GATEWAY_PORT": str(port)},
    )
    gateway.wait_for_log("the gateway listens", seconds=40)
    yield gateway, port
    lab.line.target, lab.line.target_host = lab.server.gateway_port, "127.0.0.1"
    gateway.terminate()
    lab.line.reset()


@pytest.mark.thorough
def test_two_gateways_take_turns(lab: Lab, second_gateway: tuple[Process, int]) -> None:
    """Also: the second listens on IPv6 alone."""
    lab.add_project("Long", Script(lines=200, pause=0.05))
    _, port = second_gateway
    deployment_id, task_id = lab.deploy("Long")
    lab.wait_for_start(deployment_id)
    lab.line.target, lab.line.target_host = port, "::1"
    for pid in lab.server_pids("gateway"):
        os.kill(pid, signal.SIGTERM)
    lab.note_fault("planned restart of a gateway")
    second = lab.deploy()
    lab.check(deployment_id, lab.wait_for_end(task_id), "Long")
    lab.check(second[0], lab.wait_for_end(second[1]))


@pytest.mark.thorough
def test_an_agent_that_is_installed_again_keeps_its_id(lab: Lab) -> None:
    machine = lab.machines[0]
    before = {item["Name"]: item["Id"] for item in lab.get("machines/all")}
    lab.agents[machine].terminate()
    home = lab.home(machine)
    home.rename(home.with_name(f"{machine}-old"))
    again = lab.processes.start(
        "register-again",
        [
            *(TENTACLE, "register", "--server", lab.server.url, "--name", machine, "--force"),
            *("--environment", "Lab", "--role", "lab", "--home", home),
        ],
        environment={"TENTACLE_API_KEY": API_KEY},
    )
    assert again.wait_for_exit() == 0, again.log()
    lab.note_fault("agent installed again")
    lab.start_agent(machine)
    wait_until(lab.all_connected, seconds=30, what="the agents")
    assert {item["Name"]: item["Id"] for item in lab.get("machines/all")} == before
    deployment_id, task_id = lab.deploy()
    lab.check(deployment_id, lab.wait_for_end(task_id))
