"""Random faults of every kind while deployments run; every promise is checked."""

import os
import random
from collections.abc import Iterator

import pytest

from tests.faults.harness.schedule import Chaos
from tests.faults.lab import Lab
from tests.support.faults import INJECTED, is_thorough
from tests.support.processes import Processes

_MINUTES = float(os.environ.get("OCTOPUS_TEST_CHAOS_MINUTES") or (2 if is_thorough() else 0.25))
# What a run of 20 minutes must come to.
_DEPLOYMENTS, _FAULTS, _LONG = 300, 200, 20

pytestmark = pytest.mark.timeout(_MINUTES * 60 + 600)


@pytest.fixture
def busy_lab(
    session_processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    machines = ("alpha", "beta", "gamma", "delta", "epsilon")
    made = Lab(session_processes, tmp_path_factory.mktemp("chaos"), machines)
    made.start()
    yield made
    made.stop()


def test_chaos_breaks_no_promise(busy_lab: Lab, fault_random: random.Random) -> None:
    before = INJECTED.copy()
    chaos = Chaos(busy_lab, fault_random)
    chaos.run(_MINUTES * 60)
    print(f"\n{_MINUTES:g} minutes: {chaos.table()}", flush=True)
    # Instead of what the lab counted of the same faults.
    INJECTED.clear()
    INJECTED.update(before + chaos.faults)
    assert not chaos.violations, busy_lab.server.logs()
    assert chaos.ended
    if _MINUTES >= _LONG:
        assert sum(chaos.ended.values()) >= _DEPLOYMENTS * _MINUTES / _LONG
        assert sum(chaos.faults.values()) >= _FAULTS * _MINUTES / _LONG
