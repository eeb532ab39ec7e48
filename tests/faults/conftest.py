"""One lab for all fault tests, with everything whole before each of them."""

from collections.abc import Iterator

import pytest

from tests.faults.lab import Lab
from tests.support.processes import Processes, wait_until


@pytest.fixture(scope="session")
def shared_lab(
    session_processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    made = Lab(session_processes, tmp_path_factory.mktemp("faults"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def lab(shared_lab: Lab) -> Lab:
    """Give the lab when its agents run and are connected."""
    for machine in shared_lab.machines:
        if not shared_lab.agents[machine].is_running:
            shared_lab.start_agent(machine)
    wait_until(shared_lab.all_connected, seconds=60, what="the agents")
    return shared_lab
