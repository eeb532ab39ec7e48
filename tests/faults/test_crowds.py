"""Very many virtual agents: a command each, and a gateway that dies while they stream."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.faults.harness.crowd import (
    add_agents,
    add_environment,
    add_release,
    connected,
    queue,
)
from tests.faults.harness.talkers import printed_by
from tests.faults.lab import Lab
from tests.support.processes import Processes, wait_until

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(400)]

_AGENTS, _TALKERS = 1000, 100
_BACK_WITHIN = 60.0
_SHORT = "benchmarks.virtual_agents"
_LONG = "tests.faults.harness.talkers"


@dataclass
class Crowd:
    """The agents of one environment, and what can be deployed to them."""

    lab: Lab
    environment: str
    release: str
    pin: str
    credentials: list[str]

    def deploy(self) -> str:
        """Start a deployment to all of them; return its task."""
        return queue(self.lab, self.release, self.environment)

    def check(self, task_id: str, seconds: float = 90) -> None:
        """Assert that the task has succeeded, on every one of them, at the first attempt."""
        task = self.lab.wait_for_end(task_id, seconds)
        assert task["State"] == "Success", f"{task}\n{self.lab.server.logs()}"
        rows = self.lab.records.executions(task_id)
        assert {(row.state, row.exit_code, row.attempt) for row in rows} == {("Succeeded", 0, 1)}
        assert len({row.machine for row in rows}) == len(rows) == len(self.credentials)


@pytest.fixture(scope="module")
def lab(session_processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a server whose gateway speaks TLS."""
    settings = {"OCTOPUS_GATEWAY_TLS": ""}
    folder = tmp_path_factory.mktemp("crowd")
    made = Lab(session_processes, folder, machines=(), settings=settings)
    made.start()
    yield made
    made.stop()


def crowd_of(lab: Lab, name: str, count: int) -> Crowd:
    environment = add_environment(lab, name)
    release = add_release(lab, name, environment)
    return Crowd(lab, environment, release, *add_agents(lab, environment, count))


@pytest.fixture(scope="module")
def silent(lab: Lab) -> Crowd:
    return crowd_of(lab, "Silent", _AGENTS)


@pytest.fixture(scope="module")
def talking(lab: Lab) -> Crowd:
    return crowd_of(lab, "Talking", _TALKERS)


def test_a_thousand_agents_get_a_command_each(lab: Lab, silent: Crowd) -> None:
    """How fast is measured by `make bench ONLY=thousand`; here everything runs once."""
    with connected(lab, silent.pin, silent.credentials, _SHORT) as fleet:
        fleet.reset()
        silent.check(silent.deploy())
        seen = fleet.statistics()
    lab.note_fault("a command for each of 1,000 agents")
    assert (seen.runs, seen.acknowledged, seen.drops) == (_AGENTS, _AGENTS, 0)


def test_the_gateway_dies_while_very_many_agents_stream(
    lab: Lab, silent: Crowd, talking: Crowd
) -> None:
    with (
        connected(lab, silent.pin, silent.credentials, _SHORT) as fleet,
        connected(lab, talking.pin, talking.credentials, _LONG) as speakers,
    ):
        task_id = talking.deploy()
        wait_until(
            lambda: len(lab.records.logs(task_id)) == _TALKERS, seconds=60, what="all the logs"
        )
        fleet.reset()
        speakers.reset()
        lab.kill_server_process("gateway")
        fleet.wait_for("drops", _AGENTS, within=10)
        fleet.wait_for("connected", _AGENTS, within=_BACK_WITHIN)
        speakers.wait_for("connected", _TALKERS, within=_BACK_WITHIN)
        talking.check(task_id, 120)
        assert speakers.statistics().runs == 0
    logs = lab.records.logs(task_id)
    expected = {name: printed_by(int(name.rpartition("-")[2])) for name in logs}
    assert logs == expected
