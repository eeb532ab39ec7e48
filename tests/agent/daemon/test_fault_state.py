"""Power cuts, kills in the middle of tidying up, late duplicates, turns that never come."""

import asyncio
import base64
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from agent.contracts.messages import (
    Accepted,
    Cancel,
    CancelAck,
    FinalAck,
    Finished,
    Hello,
    Isolation,
    Started,
    State,
)
from agent.runtime.journal import Journal
from tests.agent.daemon.gateway import (
    Daemon,
    Gateway,
    records,
    run_to_end,
    script,
    starts,
    until,
    waiting_for,
    witness,
)
from tests.agent.daemon.web import Web

_BUSY = """
import sys
from pathlib import Path
from agent.runtime.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(100_000):
    command_id = f"01920000-0000-7000-8000-{number:012d}"
    journal.accepted(command_id, "a" * 64, {})
    print(command_id, flush=True)
    journal.released(command_id)
"""


@pytest.mark.thorough
async def test_a_duplicate_is_known_long_after_the_release_and_a_restart(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    run = script(witness(tmp_path))
    await run_to_end(gateway, run)

    def answers() -> int:
        states = gateway.of_kind(State)
        return sum(state.commands[0].state == "released" for state in states)

    while not answers():  # The last acknowledgement may still be on its way.
        told = len(gateway.of_kind(State))
        await gateway.send(run)
        await gateway.wait(State, count=told + 1)
    for count in (2, 3):
        await daemon.kill()
        await daemon.start()
        await gateway.wait(Hello, count=count)
        expected = answers() + 50
        for _ in range(50):
            await gateway.send(run)
        await until(lambda: answers() == expected)  # noqa: B023 used before it changes
    assert starts(tmp_path) == 1


def test_a_kill_while_the_journal_is_rewritten_forgets_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "OCTOPUS_FAILPOINTS": "compact=kill9@2"}
    command = [sys.executable, "-c", _BUSY, str(tmp_path)]
    killed = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    told = killed.stdout.decode().split()
    assert len(told) > 1000
    journal = Journal(tmp_path)
    assert [command_id for command_id in told if journal.get(command_id) is None] == []
    assert not (tmp_path / "log.new").exists()
    journal.close()


async def test_a_kill_while_a_workspace_is_removed_leaves_a_clean_start(
    gateway: Gateway, tmp_path: Path
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url, workspace_retention_s=0.2)
    await daemon.start(failpoints="remove=kill9")
    await gateway.wait(Hello)
    run = script(witness(tmp_path) + "touch one two three")
    await run_to_end(gateway, run)
    assert await daemon.died() == -signal.SIGKILL
    # As far as the removal may have come.
    shutil.rmtree(daemon.home / "cmd" / run.id / "work")
    await daemon.start()
    await gateway.wait(Hello, count=2)
    await gateway.send(run)
    await gateway.wait(State, lambda event: event.commands[0].state == "released")
    await until(lambda: not any((daemon.home / "cmd").iterdir()))
    assert starts(tmp_path) == 1
    await daemon.stop()


@pytest.mark.parametrize(
    "seed", [1, 4, *(pytest.param(n, marks=pytest.mark.thorough) for n in (2, 3, 5, 6))]
)
async def test_a_power_cut_at_any_moment_starts_nothing_twice(
    gateway: Gateway, tmp_path: Path, seed: int
) -> None:
    """Everything stops at once; the machine comes up again with the disk of that moment."""
    daemon = Daemon(tmp_path / "home", gateway.url)
    await daemon.start()
    await gateway.wait(Hello)
    run = script(witness(tmp_path) + "echo one; sleep 0.3; echo two; exit 7")
    await gateway.send(run)
    await asyncio.sleep(random.Random(seed).uniform(0.0, 0.6))
    # While they are killed, one may end by itself or begin another.
    while living := living_in(daemon.home):
        for pid in living:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    await daemon.died()
    shutil.copytree(daemon.home, tmp_path / "disk")
    shutil.rmtree(daemon.home)
    (tmp_path / "disk").rename(daemon.home)
    await daemon.start()
    hello = await gateway.wait(Hello, count=2)
    known = {report.id for report in hello.commands}
    if not gateway.of_kind(Finished) and (run.id not in known or hello.commands[0].needs_spec):
        await gateway.send(run)
    finished = await gateway.finished(run.id)
    assert (finished.exit, finished.reason) in {(7, ""), (None, "lost")}
    assert starts(tmp_path) <= 1
    assert finished.exit != 7 or starts(tmp_path) == 1
    await daemon.stop()


def living_in(folder: Path) -> list[int]:
    """Return the processes that have a file or their working folder below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = [process / "cwd", *(process / "fd").iterdir()]
            if any(os.readlink(link).startswith(str(folder)) for link in links):  # noqa: PTH115 the raw text, as the kernel has it
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def test_a_turn_that_does_not_come_in_time_expires_the_command(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    holder = script(waiting_for(go))
    late = script(witness(tmp_path), isolation=Isolation(wait_s=0.3))
    patient = script(witness(tmp_path), isolation=Isolation(wait_s=30.0))
    await gateway.send(holder)
    await gateway.wait(Started)
    await gateway.send(late)
    await gateway.send(patient)
    finished = await gateway.finished(late.id)
    assert (finished.started, finished.reason) == (False, "expired")
    go.touch()
    assert (await gateway.finished(patient.id)).exit == 0
    assert starts(tmp_path) == 1


async def test_a_cancel_while_a_package_is_brought_starts_nothing(
    web: Web, gateway: Gateway, tmp_path: Path
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url, server_url=web.url)
    await daemon.start()
    await gateway.wait(Hello)
    content = bytes(4_000_000)
    web.hold = threading.Event()
    package = {"sha256": web.add(content), "size": len(content), "package_id": "A", "version": "1"}
    run = script(witness(tmp_path), extra={"packages": [package]})
    await gateway.send(run)
    await gateway.wait(Accepted)
    await until(lambda: bool(web.ranges()))
    await gateway.send(Cancel(id=run.id))
    assert (await gateway.wait(CancelAck)).state == "tombstoned"
    finished = await gateway.finished(run.id)
    web.hold.set()
    assert (finished.started, finished.reason) == (False, "cancelled")
    await gateway.send(FinalAck(id=run.id))
    await asyncio.sleep(0.3)
    assert starts(tmp_path) == 0
    assert web.add(content) not in {path.name for path in (daemon.home / "packages").iterdir()}
    await daemon.stop()


@pytest.mark.thorough
async def test_twenty_commands_print_megabytes_at_once(gateway: Gateway, daemon: Daemon) -> None:
    body = "head -c 3000000 /dev/zero | tr '\\0' 'x'"
    runs = [script(body, isolation=Isolation(mode="shared")) for _ in range(20)]
    for run in runs:
        await gateway.send(run)
    await gateway.wait(Finished, count=20, seconds=90)
    for finished in gateway.of_kind(Finished):
        assert finished.exit == 0
        gateway.check_log(finished)


async def test_what_a_program_prints_may_speak_to_the_agent_but_shows_no_secret(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    """Whoever prints may set output variables; broken messages are told, secrets masked."""
    secret = "Sesame-4711-open"
    name, value = base64.b64encode(b"From").decode(), base64.b64encode(b"a file").decode()
    untrusted = tmp_path / "untrusted"
    untrusted.write_text(
        f"##octopus[setVariable name='{name}' value='{value}']\n"
        "##octopus[setVariable name='%%%' value='']\n"
        "##octopus[nonsense x\n"
        f"and then {secret}\n"
    )
    run = script(f"cat {untrusted}", extra={"mask": [secret]})
    assert (await run_to_end(gateway, run)).exit == 0
    printed = gateway.streams[run.id][1]
    assert b"and then ********" in printed
    assert secret.encode() not in bytes(gateway.logs[run.id])
    outputs = [r for r in records(gateway, run.id) if r["t"] == "output"]
    assert [(r["name"], r["value"]) for r in outputs] == [("From", "a file")]
