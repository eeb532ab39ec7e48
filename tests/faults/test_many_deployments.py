"""A hundred deployments in the queue and at work while parts of the server die or are ended."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.faults.harness.crowd import (
    add_agents,
    add_environment,
    add_release,
    connected,
    queue,
)
from tests.faults.lab import Lab
from tests.support.processes import Processes

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(600)]

_PROJECTS, _OF_EACH, _TARGETS = 20, 5, 3
_CAP = 20
_WITHIN = 240.0


@pytest.fixture(scope="module")
def busy(
    session_processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Lab, str, list[str]]]:
    """Give a server that carries out twenty tasks at once, an environment and releases for it."""
    settings = {"OCTOPUS_GATEWAY_TLS": ""}
    lab = Lab(session_processes, tmp_path_factory.mktemp("busy"), machines=(), settings=settings)
    lab.start()
    (node,) = lab.server.call("GET", "/api/octopusservernodes/all")
    path = f"/api/octopusservernodes/{node['Id']}"
    lab.server.call("PUT", path, {**node, "MaxConcurrentTasks": _CAP})
    environment = add_environment(lab, "Busy")
    releases = [add_release(lab, f"Busy {n}", environment) for n in range(_PROJECTS)]
    pin, credentials = add_agents(lab, environment, _TARGETS)
    with connected(lab, pin, credentials, "benchmarks.virtual_agents"):
        yield lab, environment, releases
    lab.stop()


def kill_redis(lab: Lab, moment: int) -> None:
    if moment in {40, 80}:
        lab.kill_server_process("redis")


def end_in_turn(lab: Lab, moment: int) -> None:
    if moment % 12:
        return
    name = ("worker", "gateway", "web", "beat")[moment // 12 % 4]
    for pid in lab.server_pids(name):
        os.kill(pid, signal.SIGTERM)
    lab.note_fault(f"SIGTERM of {name}")


@pytest.mark.parametrize("strike", [kill_redis, end_in_turn])
def test_a_hundred_deployments_all_run_once(
    busy: tuple[Lab, str, list[str]], strike: Callable[[Lab, int], None]
) -> None:
    lab, environment, releases = busy
    tasks = []
    for moment, release in enumerate(releases * _OF_EACH):
        tasks.append(queue(lab, release, environment))
        strike(lab, moment)
    end = time.monotonic() + _WITHIN
    ended = [lab.wait_for_end(task, max(0.0, end - time.monotonic())) for task in tasks]
    states = Counter(task["State"] for task in ended)
    assert states == {"Success": len(tasks)}, f"{states}\n{lab.server.logs()}"
    for task in tasks:
        rows = lab.records.executions(task)
        assert len({row.machine for row in rows}) == len(rows) == _TARGETS
        assert {(row.state, row.exit_code, row.attempt) for row in rows} == {("Succeeded", 0, 1)}
