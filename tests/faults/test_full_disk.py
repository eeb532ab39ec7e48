"""The server's disk is full while a script prints, and free again: nothing is lost.

Database and logs share the disk, as they do on a server that keeps both in its data folder.
"""

import time
from collections.abc import Iterator

import pytest

from tests.faults.harness.scripts import Script
from tests.faults.lab import Lab
from tests.support.confinement import fill, needs_namespaces
from tests.support.processes import Processes, wait_until

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(300)]

_DISK = "size=260m"
_FULL = 6.0
_PROJECT = "Prints much"
# Prints on while the disk is full, more than fits into what the gateway gathers in a moment.
_SCRIPT = Script(lines=400, pause=0.025, width=2000)


@pytest.fixture
def small(session_processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    needs_namespaces()
    made = Lab(session_processes, tmp_path_factory.mktemp("small"), small_disk=_DISK)
    made.start()
    made.add_project(_PROJECT, _SCRIPT)
    yield made
    made.stop()


def test_a_full_disk_delays_and_loses_nothing(small: Lab) -> None:
    deployment_id, task_id = small.deploy(_PROJECT)
    small.wait_for_start(deployment_id)
    filler = fill(small.data_dir)
    small.note_fault("disk of database and logs full")
    time.sleep(_FULL / 2)
    stored = small.records.logs(task_id)
    time.sleep(_FULL / 2)
    assert small.records.logs(task_id) == stored, "the disk was not full"
    filler.unlink()
    task = small.wait_for_end(task_id)
    small.check(deployment_id, task, _PROJECT)
    wait_until(small.all_connected, seconds=60, what="the agents")
    deployment_id, task_id = small.deploy()
    small.check(deployment_id, small.wait_for_end(task_id))
