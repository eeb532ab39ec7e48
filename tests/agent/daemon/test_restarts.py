"""kill -9 of the daemon at every point: one start at most, the true result, the exact log."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest

from agent.contracts.messages import Cancel, CancelAck, Hello, Query, Rejected, Started, State
from agent.contracts.sessions.server import Output
from agent.runtime.commands.folder import CommandFolder
from tests.agent.daemon.gateway import (
    Daemon,
    Gateway,
    proc_text,
    run_to_end,
    script,
    starts,
    witness,
)


async def test_a_running_script_survives_three_kills_of_the_daemon(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    run = script(
        witness(tmp_path) + "for i in $(seq 1 300); do echo line $i; sleep 0.01; done; exit 7"
    )
    await gateway.send(run)
    for count in range(3):
        await gateway.wait(Started if count == 0 else Hello, count=max(1, count + 1))
        await asyncio.sleep(0.3)
        await daemon.kill()
        await daemon.start()
    finished = await gateway.finished(run.id)
    assert finished.exit == 7
    gateway.check_log(finished)
    expected = "".join(f"line {number}\n" for number in range(1, 301)).encode()
    assert gateway.streams[run.id][1].startswith(expected)
    assert starts(tmp_path) == 1


@pytest.mark.parametrize("point", ["accept", "journaled", "accepted", "started", "spawn"])
async def test_killed_between_receiving_and_running(
    gateway: Gateway, tmp_path: Path, point: str
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url)
    await daemon.start(failpoints=f"{point}=kill9")
    await gateway.wait(Hello)
    run = script(witness(tmp_path) + "echo done; exit 4")
    await gateway.send(run)
    assert await daemon.died() == -signal.SIGKILL
    await asyncio.sleep(0.3)
    await daemon.start()
    hello = await gateway.wait(Hello, count=2)
    # What a server does: offer it again unless the agent says that it has it.
    if all(report.needs_spec for report in hello.commands):
        await gateway.send(run)
    finished = await gateway.finished(run.id)
    assert finished.exit == 4
    gateway.check_log(finished)
    await gateway.send(run)
    await gateway.wait(State)
    assert starts(tmp_path) == 1
    await daemon.stop()


@pytest.mark.parametrize("point", ["exit", "finished"])
async def test_killed_between_the_exit_and_its_report(
    gateway: Gateway, tmp_path: Path, point: str
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url)
    await daemon.start(failpoints=f"{point}=kill9")
    await gateway.wait(Hello)
    run = script(witness(tmp_path) + "echo done; exit 5")
    await gateway.send(run)
    assert await daemon.died() == -signal.SIGKILL
    await daemon.start()
    finished = await gateway.finished(run.id)
    assert finished.exit == 5
    gateway.check_log(finished)
    assert starts(tmp_path) == 1
    await daemon.stop()


async def test_a_killed_runner_is_lost_and_never_a_success(
    gateway: Gateway, daemon: Daemon
) -> None:
    run = script("echo before; sleep 60")
    await gateway.send(run)
    started = await gateway.wait(Started)
    await gateway.wait(Output, lambda event: event.frame.stream == 1)
    os.kill(started.pid, signal.SIGKILL)
    finished = await gateway.finished(run.id)
    assert (finished.started, finished.reason, finished.exit) == (True, "lost", None)
    gateway.check_log(finished)
    assert gateway.streams[run.id][1] == b"before\n"


async def test_a_runner_that_died_while_the_daemon_was_away_is_lost(
    gateway: Gateway, daemon: Daemon
) -> None:
    run = script("echo before; sleep 60")
    await gateway.send(run)
    started = await gateway.wait(Started)
    await daemon.kill()
    os.kill(started.pid, signal.SIGKILL)
    await daemon.start()
    assert (await gateway.finished(run.id)).reason == "lost"


async def test_cancel_while_the_agent_is_away_ends_what_waited(
    gateway: Gateway, tmp_path: Path
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url)
    await daemon.start(failpoints="accepted=kill9")
    await gateway.wait(Hello)
    run = script(witness(tmp_path))
    await gateway.send(run)
    await daemon.died()
    gateway.cancel = (run.id,)
    await daemon.start()
    assert (await gateway.wait(CancelAck)).state == "tombstoned"
    finished = await gateway.finished(run.id)
    assert (finished.started, finished.reason) == (False, "cancelled")
    assert starts(tmp_path) == 0
    await daemon.stop()


async def test_a_slow_runner_cannot_start_after_the_cancel_was_acknowledged(
    gateway: Gateway, tmp_path: Path
) -> None:
    """The runner is held before its lock while the daemon dies and a cancel arrives."""
    daemon = Daemon(tmp_path / "home", gateway.url)
    may_go = tmp_path / "go"
    await daemon.start(failpoints=f"runner=until:{may_go};spawn=kill9")
    await gateway.wait(Hello)
    run = script(witness(tmp_path))
    await gateway.send(run)
    await daemon.died()
    gateway.cancel = (run.id,)
    await daemon.start()
    assert (await gateway.wait(CancelAck)).state == "tombstoned"
    gateway.final = False
    may_go.touch()
    await asyncio.sleep(2.0)
    assert starts(tmp_path) == 0
    await daemon.stop()


async def test_cancel_between_spawn_and_start_is_not_forgotten(
    gateway: Gateway, tmp_path: Path
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url)
    may_go = tmp_path / "go"
    await daemon.start(failpoints=f"runner=until:{may_go}")
    await gateway.wait(Hello)
    run = script("sleep 30")
    await gateway.send(run)
    state, asked = "", 0
    while state != "started":
        asked += 1
        await gateway.send(Query(ids=(run.id,)))
        state = (await gateway.wait(State, count=asked)).commands[0].state
    await gateway.send(Cancel(id=run.id, grace_s=0.5))
    assert (await gateway.wait(CancelAck)).state == "signalled"
    may_go.touch()
    assert (await gateway.finished(run.id, seconds=20.0)).reason == "cancelled"
    await daemon.stop()


async def test_disk_full_at_acceptance_rejects_and_starts_nothing(
    gateway: Gateway, tmp_path: Path
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url)
    await daemon.start(failpoints="accept=enospc@1")
    await gateway.wait(Hello)
    run = script(witness(tmp_path))
    await gateway.send(run)
    assert (await gateway.wait(Rejected)).code == "disk_full"
    assert starts(tmp_path) == 0
    await gateway.send(run)
    assert (await gateway.finished(run.id)).exit == 0
    await daemon.stop()


async def test_the_spawner_is_replaced_when_it_dies(gateway: Gateway, daemon: Daemon) -> None:
    children = proc_text(daemon.pid, f"task/{daemon.pid}/children").split()
    assert len(children) == 1
    os.kill(int(children[0]), signal.SIGKILL)
    run = script("echo again")
    await gateway.send(run)
    finished = await gateway.finished(run.id)
    assert finished.exit == 0
    assert gateway.streams[run.id][1] == b"again\n"


def test_a_claim_and_a_start_exclude_each_other(tmp_path: Path) -> None:
    folder = CommandFolder(tmp_path / "one")
    assert folder.claim("cancelled")
    assert folder.claimed() == "cancelled"
    assert folder.started() is None
    assert folder.claim("expired")
    other = CommandFolder(tmp_path / "two")
    other.path.mkdir()
    (other.path / "started").write_text('{"pid": 1}')
    assert not other.claim("cancelled")
    assert other.started() == {"pid": 1}


async def test_a_state_folder_from_an_old_copy_says_so(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    await run_to_end(gateway, script("exit 0"))
    await daemon.stop()
    shutil.copytree(daemon.home, tmp_path / "backup")
    await daemon.start()
    before = await gateway.wait(Hello, count=2)
    for _ in range(3):
        await run_to_end(gateway, script("exit 0"))
    await daemon.kill()
    await daemon.start()
    latest = await gateway.wait(Hello, count=3)
    assert latest.journal_high > before.journal_high
    await daemon.stop()
    shutil.rmtree(daemon.home)
    shutil.copytree(tmp_path / "backup", daemon.home)
    await daemon.start()
    restored = await gateway.wait(Hello, count=4)
    assert 0 < restored.journal_high == before.journal_high < latest.journal_high
