"""Any process may be killed at any moment: the deployment succeeds, each script starts once,
and the stored log equals what was printed.
"""

import random
import time
from collections.abc import Callable

import pytest

from tests.faults.harness.scripts import Script
from tests.faults.lab import MACHINES, Lab

pytestmark = pytest.mark.timeout(1800)

# A script runs about this long; faults fall anywhere from before its start to after its end.
_SPAN = Script().lasts + 1.0


def _agent(lab: Lab, choose: random.Random) -> None:
    machine = choose.choice(MACHINES)
    lab.kill_agent(machine)
    time.sleep(choose.uniform(0, 0.5))
    lab.start_agent(machine)


FAULTS: dict[str, Callable[[Lab, random.Random], None]] = {
    "kill -9 of the worker": lambda lab, _: lab.kill_server_process("worker"),
    "kill -9 of the gateway": lambda lab, _: lab.kill_server_process("gateway"),
    "kill -9 of the web process": lambda lab, _: lab.kill_server_process("web"),
    "kill -9 of an agent": _agent,
    "Redis FLUSHALL": lambda lab, _: lab.flush_redis(),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_a_random_moment_changes_nothing(
    name: str, lab: Lab, fault_rounds: int, fault_random: random.Random
) -> None:
    for _ in range(fault_rounds):
        deployment_id, task_id = lab.deploy()
        time.sleep(fault_random.uniform(0, _SPAN))
        FAULTS[name](lab, fault_random)
        lab.check(deployment_id, lab.wait_for_end(task_id))


@pytest.mark.parametrize("point", ["journaled", "accepted", "spawn"])
def test_an_agent_dies_between_accepting_and_starting(
    point: str, lab: Lab, fault_rounds: int, fault_random: random.Random
) -> None:
    for _ in range(-(-fault_rounds // 2)):
        machine = fault_random.choice(MACHINES)
        lab.agents[machine].terminate()
        lab.start_agent(machine, failpoints=f"{point}=kill9@1")
        deployment_id, task_id = lab.deploy()
        lab.agents[machine].wait_for_exit(seconds=30)
        lab.start_agent(machine)
        lab.check(deployment_id, lab.wait_for_end(task_id))
