"""Output arrives exactly: large, small, interrupted, slowly acknowledged, asked for again."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from agent.contracts import limits
from agent.contracts.messages import Finished, Hello, Isolation, SessionLimits
from agent.contracts.sessions.server import Output
from tests.agent.daemon.gateway import (
    Daemon,
    Gateway,
    open_gateway,
    proc_text,
    run_to_end,
    script,
    turn,
    until,
)

LINES = "seq 1 200000"
EXPECTED = "".join(f"{number}\n" for number in range(1, 200001)).encode()


async def test_a_long_log_is_exact(gateway: Gateway, daemon: Daemon) -> None:
    run = script(LINES)
    finished = await run_to_end(gateway, run)
    assert gateway.streams[run.id][1] == EXPECTED
    assert finished.exit == 0


async def test_a_long_log_is_exact_over_broken_connections(
    gateway: Gateway, daemon: Daemon
) -> None:
    run = script("for part in $(seq 1 40); do seq 1 5000; sleep 0.05; done")
    await gateway.send(run)
    for count in range(2, 6):
        await asyncio.sleep(0.4)
        await gateway.drop()
        await gateway.wait(Hello, count=count)
    finished = await gateway.finished(run.id, seconds=40.0)
    gateway.check_log(finished)
    part = "".join(f"{number}\n" for number in range(1, 5001)).encode()
    assert gateway.streams[run.id][1] == part * 40


async def test_lost_output_is_sent_again(gateway: Gateway, daemon: Daemon) -> None:
    gateway.store = False
    gateway.final = False
    run = script("for i in 1 2 3 4 5 6; do seq 1 1000; sleep 0.1; done")
    await gateway.send(run)
    await gateway.wait(Output, count=2)
    await gateway.lose_log(run.id, 0)
    finished = await gateway.finished(run.id)
    await gateway.lose_log(run.id, 1234)
    await until(lambda: len(gateway.logs[run.id]) == finished.bytes)
    gateway.check_log(finished)


async def test_a_server_that_does_not_acknowledge_never_blocks_the_script(tmp_path: Path) -> None:
    async with open_gateway() as gateway:
        gateway.store = False
        gateway.limits = SessionLimits(command_window=200_000, connection_window=300_000)
        daemon = Daemon(tmp_path / "home", gateway.url)
        await daemon.start()
        await gateway.wait(Hello)
        marker = tmp_path / "done"
        run = script(f"{LINES}; touch {marker}")
        await gateway.send(run)
        await until(marker.exists)
        await asyncio.sleep(0.5)
        unacknowledged = len(gateway.logs[run.id])
        assert 0 < unacknowledged <= 200_000 + limits.MAX_OUT_PAYLOAD
        gateway.store = True
        await gateway.release_log(run.id)
        gateway.check_log(await gateway.finished(run.id))
        assert gateway.streams[run.id][1] == EXPECTED
        await daemon.stop()


async def test_a_line_reaches_the_server_at_once(gateway: Gateway, daemon: Daemon) -> None:
    run = script("for i in $(seq 1 20); do sleep 0.2; date +%s%N; done; sleep 60")
    await gateway.send(run)
    took = []
    for count in range(1, 11):
        output = await gateway.wait(Output, lambda event: event.frame.stream == 1, count=count)
        took.append(time.time() - int(output.frame.payload.split()[0]) / 1e9)
    # A busy machine may keep some of them for longer.
    assert sorted(took)[2] < 0.5


async def test_a_secret_never_leaves_the_machine(gateway: Gateway, daemon: Daemon) -> None:
    secret = "correct-horse-battery-staple"
    variables = [
        ["Octopus.Action.Script.Syntax", "Bash", False],
        ["Octopus.Action.Script.ScriptBody", f"echo {secret}; echo ok", False],
        ["Password", secret, True],
    ]
    run = script("", extra={"variables": variables})
    await gateway.send(run)
    finished = await gateway.finished(run.id)
    gateway.check_log(finished)
    assert secret.encode() not in gateway.logs[run.id]
    assert b"ok\n" in gateway.streams[run.id][1]
    for path in daemon.home.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


async def test_a_crash_leaves_no_memory_on_the_disk(gateway: Gateway, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url)
    # As in a container, where nothing limits them.
    daemon.wrapper = ("bash", "-c", 'ulimit -Sc "$(ulimit -Hc)"; exec "$@"', "bash")
    await daemon.start()
    try:
        await gateway.wait(Hello)
        run = script("ulimit -Sc; ulimit -Hc; bash -c 'kill -SEGV $$'; kill -SEGV $$")
        await gateway.send(run)
        finished = await gateway.finished(run.id)
    finally:
        await daemon.stop()
    assert gateway.streams[run.id][1].split()[0] == b"0"
    assert finished.signal == signal.SIGSEGV
    assert list(daemon.home.rglob("core*")) == []


async def test_shared_commands_overlap_and_exclusive_ones_do_not(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    log = tmp_path / "turns"
    together = turn(log, at_least=2)
    shared = [script(together, isolation=Isolation(mode="shared")) for _ in range(2)]
    for run in [*shared, script(turn(log)), script(turn(log))]:
        await gateway.send(run)
    await gateway.wait(Finished, count=4)
    assert log.read_text().split() == ["+", "+", "-", "-", "+", "-", "+", "-"]


async def test_no_more_commands_run_at_once_than_the_server_allows(tmp_path: Path) -> None:
    async with open_gateway() as gateway:
        gateway.limits = SessionLimits(max_running=2)
        daemon = Daemon(tmp_path / "home", gateway.url)
        await daemon.start()
        await gateway.wait(Hello)
        log = tmp_path / "turns"
        for _ in range(4):
            body = turn(log, at_least=2)
            await gateway.send(script(body, isolation=Isolation(mode="shared")))
        await gateway.wait(Finished, count=4)
        running = most = 0
        for sign in log.read_text().split():
            running += 1 if sign == "+" else -1
            most = max(most, running)
        assert most == 2
        await daemon.stop()


async def test_an_idle_agent_is_small(gateway: Gateway, daemon: Daemon) -> None:
    await run_to_end(gateway, script("echo warm"))
    status = proc_text(daemon.pid, "status")
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    assert int(resident.split()[1]) <= 30 * 1024


@pytest.mark.parametrize("count", [10])
async def test_many_commands_at_once(gateway: Gateway, daemon: Daemon, count: int) -> None:
    runs = [script(f"seq 1 {n * 1000}", isolation=Isolation(mode="shared")) for n in range(count)]
    for run in runs:
        await gateway.send(run)
    await gateway.wait(Finished, count=count)
    for finished in gateway.of_kind(Finished):
        gateway.check_log(finished)
