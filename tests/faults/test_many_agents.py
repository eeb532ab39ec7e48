"""A thousand agents that all come back at once, and five thousand that do nothing.

The benchmarks make the fault; here their findings are judged.
"""

import json
import sys

import pytest

from benchmarks.results import Section
from tests.support.faults import INJECTED
from tests.support.processes import Processes

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(400)]

_BACK_S, _MOST_LOST, _IDLE_KB = 60.0, 1.0, 60.0


def _run(processes: Processes, module: str) -> dict[str, float]:
    """Return what a benchmark has measured, by its words."""
    command = [sys.executable, "-m", "benchmarks.one", module]
    run = processes.start(module, command, environment={"OCTOPUS_DATABASE_URL": ""})
    assert run.wait_for_exit(seconds=300) == 0, run.log()
    section = Section.from_json(json.loads(run.log().splitlines()[-1]))
    return {measure.what: measure.value for measure in section.measures}


def _of(found: dict[str, float], words: str) -> list[float]:
    values = [value for what, value in found.items() if words in what]
    assert values, f"nothing about {words!r} in {list(found)}"
    return values


def test_a_thousand_agents_come_back_at_once(processes: Processes) -> None:
    found = _run(processes, "benchmarks.thousand")
    INJECTED["gateway of a thousand agents killed"] += 1
    INJECTED["gateway of a thousand agents stopped"] += 1
    assert max(_of(found, "agents back after")) <= _BACK_S
    assert max(_of(found, "most connections that one agent lost")) <= _MOST_LOST


def test_five_thousand_idle_agents_are_held(processes: Processes) -> None:
    found = _run(processes, "benchmarks.idle")
    INJECTED["five thousand idle agents"] += 1
    assert max(_of(found, "gateway memory for each of")) <= _IDLE_KB
    assert not sum(_of(found, "connections lost meanwhile"))
