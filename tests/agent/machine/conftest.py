"""A machine with systemd for the tests of a file."""

from collections.abc import Iterator

import pytest

from tests.agent.machine.machine import Machine, start_machine
from tests.support.confinement import needs_machine
from tests.support.processes import Processes


@pytest.fixture(scope="module")
def machine(
    session_processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """Give a machine that runs; the tests of a file share it."""
    folder = tmp_path_factory.mktemp("machine")
    needs_machine(folder)
    started = start_machine(session_processes, folder)
    yield started
    started.stop()
