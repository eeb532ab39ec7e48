"""A runner that ended cleanly takes the next command; one that left something behind does not."""

import asyncio
import os
import re
import signal
from contextlib import suppress
from pathlib import Path

from agent.contracts.messages import Cancel, Isolation, Run, Started
from tests.agent.daemon.gateway import Daemon, Gateway, script, waiting_for

SHARED = Isolation(mode="shared")


async def run_one(gateway: Gateway, run: Run) -> int:
    """Run a command to its end and return the process id of its runner, the parent of bash."""
    await gateway.send(run)
    finished = await gateway.finished(run.id)
    gateway.check_log(finished)
    return int(re.findall(rb"runner (\d+)", gateway.streams[run.id][1])[0])


async def test_commands_one_after_the_other_share_a_runner(
    gateway: Gateway, daemon: Daemon
) -> None:
    pids = set()
    for number in range(8):
        pids.add(await run_one(gateway, script(f"echo runner $PPID; exit {number}")))
        await asyncio.sleep(0.2)
    # On a busy machine one may be free too late for the next command.
    assert len(pids) < 8


async def test_a_runner_with_a_background_process_is_not_used_again(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    kept = tmp_path / "pid"
    body = f"echo runner $PPID; sleep 60 >/dev/null 2>&1 & echo $! > {kept}"
    first = await run_one(gateway, script(body))
    try:
        second = await run_one(gateway, script("echo runner $PPID"))
        assert second != first
    finally:
        os.kill(int(kept.read_text()), signal.SIGKILL)


async def test_a_cancelled_runner_is_not_used_again_and_a_late_signal_stops_nothing(
    gateway: Gateway, daemon: Daemon
) -> None:
    run = script("sleep 60")
    await gateway.send(run)
    first = (await gateway.wait(Started)).pid
    await gateway.send(Cancel(id=run.id, grace_s=1.0, reason="enough"))
    assert (await gateway.finished(run.id)).reason == "cancelled"
    second = await run_one(gateway, script("echo runner $PPID"))
    assert second != first
    await asyncio.sleep(0.5)
    idle = await run_one(gateway, script("echo runner $PPID"))
    await asyncio.sleep(0.5)
    with suppress(ProcessLookupError):  # where one was free before it, it is not kept
        os.kill(idle, signal.SIGTERM)
    third = script("echo runner $PPID")
    await run_one(gateway, third)
    assert (await gateway.finished(third.id)).exit == 0


async def test_commands_at_once_have_runners_of_their_own(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    runs = [script(waiting_for(go), isolation=SHARED) for _ in range(4)]
    for run in runs:
        await gateway.send(run)
    await gateway.wait(Started, count=4)
    go.touch()
    for run in runs:
        gateway.check_log(await gateway.finished(run.id))
    pids = [event.pid for event in gateway.events if isinstance(event, Started)]
    assert len(set(pids)) == 4
