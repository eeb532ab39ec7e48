"""Clocks that jump, machines that are suspended, a state folder that comes back from a backup."""

import asyncio
import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from agent.contracts.messages import FinalAck, Finished, Hello, Isolation, Started, State
from tests.agent.daemon.gateway import (
    Daemon,
    Gateway,
    run_to_end,
    script,
    starts,
    until,
    witness,
)
from tests.agent.daemon.test_fault_state import living_in

pytestmark = pytest.mark.thorough

DAY = 24 * 3600.0

# Python runs this before any program: the agent's real clock, as far as the agent can read it.
_SHIFTED = """
import pathlib
import time

_file = pathlib.Path({file!r})
_seconds, _nanoseconds = time.time, time.time_ns
time.time = lambda: _seconds() + float(_file.read_text())
time.time_ns = lambda: _nanoseconds() + int(float(_file.read_text()) * 1e9)
"""


class ShiftedClock:
    """The clock of all Python programs that are started from now on."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "shift"
        self.set(0.0)
        (folder / "sitecustomize.py").write_text(_SHIFTED.format(file=str(self._file)))

    def set(self, seconds: float) -> None:
        """Let the clock jump to so many seconds from the true time."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(str(seconds))
        temporary.rename(self._file)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShiftedClock:
    folder = tmp_path / "clock"
    folder.mkdir()
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    return ShiftedClock(folder)


@pytest.mark.parametrize("jump", [DAY, -DAY])
async def test_a_clock_that_jumps_expires_nothing_and_forgets_nothing(
    clock: ShiftedClock, gateway: Gateway, daemon: Daemon, tmp_path: Path, jump: float
) -> None:
    runs = script(witness(tmp_path) + "for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done; exit 5")
    waits = script(
        witness(tmp_path) + "sleep 0.5; exit 6", ttl_s=30.0, isolation=Isolation(wait_s=30.0)
    )
    for run in (runs, waits):
        await gateway.send(run)
    started = await gateway.wait(Started)
    clock.set(jump)
    for run, code in ((runs, 5), (waits, 6)):
        finished = await gateway.finished(run.id)
        assert (finished.started, finished.exit, finished.reason) == (True, code, "")
        assert 0 <= finished.duration_ms < 20_000
        gateway.check_log(finished)
    # The fault has happened: the two starts lie about a day apart for the agent.
    later = await gateway.wait(Started, lambda event: event.id == waits.id)
    assert abs(later.time_ms - started.time_ms - jump * 1000) < 60_000
    await daemon.kill()
    clock.set(-jump)
    await daemon.start()
    await gateway.wait(Hello, count=2)
    for run in (runs, waits):
        await gateway.send(run)
    await gateway.wait(State, count=2)
    # The record of a release is not forced: the kill may have taken it, and then the end is told.
    assert {s.commands[0].state for s in gateway.of_kind(State)} <= {"released", "finished"}
    assert starts(tmp_path) == 2


def send(number: signal.Signals, pids: list[int]) -> None:
    """Send a signal to all of them that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@pytest.mark.parametrize("jump", [DAY, -DAY])
async def test_a_time_limit_counts_the_time_that_passes(
    clock: ShiftedClock, gateway: Gateway, daemon: Daemon, jump: float
) -> None:
    run = script("sleep 30", deadline_s=2.0)
    await gateway.send(run)
    await gateway.wait(Started)
    began = time.monotonic()
    clock.set(jump)
    finished = await gateway.finished(run.id)
    assert finished.reason == "deadline"
    assert 1.0 < time.monotonic() - began < 8.0
    assert 1_000 < finished.duration_ms < 10_000


async def test_a_machine_that_is_suspended_goes_on(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    run = script(witness(tmp_path) + "for i in 1 2 3 4 5; do echo $i; sleep 0.5; done; exit 4")
    await gateway.send(run)
    await gateway.wait(Started)
    stopped = living_in(daemon.home)
    assert daemon.pid in stopped
    try:
        send(signal.SIGSTOP, stopped)
        await asyncio.sleep(3)
        assert not gateway.of_kind(Finished)
    finally:
        send(signal.SIGCONT, stopped)
    finished = await gateway.finished(run.id)
    assert (finished.exit, finished.reason) == (4, "")
    gateway.check_log(finished)
    assert starts(tmp_path) == 1


async def test_a_state_folder_from_a_backup_says_that_it_is_older(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    """What the server then does: test_a_state_folder_that_was_rolled_back_is_cut_off."""
    await run_to_end(gateway, script("exit 0"))
    await daemon.stop()
    shutil.copytree(daemon.home, tmp_path / "backup")
    await daemon.start()
    before = await gateway.wait(Hello, count=2)
    later = script(witness(tmp_path))
    await run_to_end(gateway, later)
    await gateway.send(FinalAck(id=later.id))
    await daemon.kill()
    await daemon.start()
    high = (await gateway.wait(Hello, count=3)).journal_high
    assert high > before.journal_high > 0
    await daemon.stop()
    shutil.rmtree(daemon.home)
    (tmp_path / "backup").rename(daemon.home)
    await daemon.start()
    restored = await gateway.wait(Hello, count=4)
    assert 0 < restored.journal_high < high
    assert later.id not in {report.id for report in restored.commands}
    await until(lambda: gateway.is_open)
