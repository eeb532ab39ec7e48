"""A benchmark from end to end: a server of its own, virtual agents over TLS, a result in JSON."""

import json
import sys

from benchmarks.results import Section
from tests.support.processes import Processes


def test_a_short_drain_leaves_nothing_stuck(processes: Processes) -> None:
    command = [sys.executable, "-m", "benchmarks.one", "benchmarks.drain", "--short"]
    run = processes.start("drain", command, environment={"OCTOPUS_DATABASE_URL": ""})
    assert run.wait_for_exit(seconds=150) == 0, run.log()
    section = Section.from_json(json.loads(run.log().splitlines()[-1]))
    per_minute, stuck = section.measures
    assert per_minute.value > 0
    assert stuck.is_met


def test_a_short_update_sends_a_fraction(processes: Processes) -> None:
    command = [sys.executable, "-m", "benchmarks.one", "benchmarks.transfer.run", "--short"]
    run = processes.start("transfer", command, environment={"OCTOPUS_DATABASE_URL": ""})
    assert run.wait_for_exit(seconds=150) == 0, run.log()
    section = Section.from_json(json.loads(run.log().splitlines()[-1]))
    sent = [each.value for each in section.measures if each.what.startswith("sent for an update")]
    assert len(sent) == 2
    assert all(0 < value < 0.5 for value in sent)
