"""The agent without disk, inodes, memory or descriptors: nothing starts twice, nothing is lost."""

import asyncio
import os
import resource
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.contracts.messages import Finished, Hello, Isolation, Rejected, Started
from tests.agent.daemon.gateway import (
    Daemon,
    Gateway,
    proc_text,
    run_to_end,
    script,
    starts,
    witness,
)
from tests.support.confinement import (
    fill,
    fill_inodes,
    memory_limit,
    needs_namespaces,
    on_small_disk,
    seen_by,
)

pytestmark = pytest.mark.thorough


@asynccontextmanager
async def small_disk(gateway: Gateway, folder: Path, options: str) -> AsyncIterator[Daemon]:
    """Run a daemon whose state folder is a disk of its own."""
    needs_namespaces()
    daemon = Daemon(folder / "home", gateway.url)
    daemon.wrapper = on_small_disk(daemon.home, options)
    await daemon.start()
    await gateway.wait(Hello)
    try:
        yield daemon
    finally:
        await daemon.stop()


async def test_a_full_disk_loses_no_result_and_refuses_what_is_new(
    gateway: Gateway, tmp_path: Path
) -> None:
    async with small_disk(gateway, tmp_path, "size=48m") as daemon:
        body = "for i in $(seq 1 20); do echo line $i; sleep 0.05; done; exit 3"
        running = script(witness(tmp_path) + body)
        await gateway.send(running)
        await gateway.wait(Started)
        filled = fill(seen_by(daemon.pid, daemon.home))
        new = script(witness(tmp_path))
        await gateway.send(new)
        assert (await gateway.wait(Rejected)).code == "disk_full"
        await asyncio.sleep(1.5)
        assert starts(tmp_path) == 1
        filled.unlink()
        finished = await gateway.finished(running.id)
        assert (finished.started, finished.exit) == (True, 3)
        gateway.check_log(finished)
        assert (await run_to_end(gateway, script(witness(tmp_path)))).exit == 0
        assert starts(tmp_path) == 2


async def test_without_inodes_nothing_starts(gateway: Gateway, tmp_path: Path) -> None:
    async with small_disk(gateway, tmp_path, "size=64m,nr_inodes=200") as daemon:
        filled = fill_inodes(seen_by(daemon.pid, daemon.home))
        await gateway.send(script(witness(tmp_path)))
        assert (await gateway.wait(Rejected)).code == "disk_full"
        assert starts(tmp_path) == 0
        shutil.rmtree(filled)
        assert (await run_to_end(gateway, script(witness(tmp_path)))).exit == 0
        assert starts(tmp_path) == 1


async def test_a_read_only_disk_is_told_in_one_line_and_nothing_starts(
    gateway: Gateway, tmp_path: Path
) -> None:
    needs_namespaces()
    daemon = Daemon(tmp_path / "home", gateway.url)
    daemon.wrapper = on_small_disk(daemon.home, "size=64m", read_only=True)
    await daemon.start()
    assert await daemon.died() == 1
    assert "Read-only file system" in daemon.log()
    assert "Traceback" not in daemon.log()


async def test_a_disk_that_becomes_read_only_costs_no_result(
    gateway: Gateway, tmp_path: Path
) -> None:
    """The daemon ends, the script goes on, and its end is told once there is a disk again."""
    needs_namespaces()
    daemon = Daemon(tmp_path / "home", gateway.url)
    await daemon.start()
    await gateway.wait(Hello)
    running = script(witness(tmp_path) + "for i in 1 2 3; do echo $i; sleep 1; done; exit 7")
    await gateway.send(running)
    await gateway.wait(Started)
    await daemon.kill()
    daemon.wrapper = on_small_disk(daemon.home, "size=64m", read_only=True)
    await daemon.start()
    assert await daemon.died() == 1
    assert "Read-only file system" in daemon.log()
    daemon.wrapper = ()
    await daemon.start()
    finished = await gateway.finished(running.id)
    assert (finished.started, finished.exit) == (True, 7)
    gateway.check_log(finished)
    assert starts(tmp_path) == 1
    await daemon.stop()


@pytest.mark.parametrize("error", ["erofs", "eio"])
async def test_a_write_that_fails_starts_nothing_and_the_next_one_does(
    gateway: Gateway, tmp_path: Path, error: str
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url)
    await daemon.start(failpoints=f"accept={error}@1")
    await gateway.wait(Hello)
    await gateway.send(script(witness(tmp_path)))
    assert (await gateway.wait(Rejected)).code == "disk_full"
    assert starts(tmp_path) == 0
    assert (await run_to_end(gateway, script(witness(tmp_path)))).exit == 0
    assert starts(tmp_path) == 1
    await daemon.stop()


async def test_a_script_that_the_kernel_kills_for_its_memory_has_failed(
    gateway: Gateway, daemon: Daemon
) -> None:
    with memory_limit(64 * 1024 * 1024) as group:
        run = script(
            f"echo $$ > {group}/cgroup.procs; echo before;"
            " exec python3 -c 'x = bytearray(512 * 1024 * 1024); print(len(x))'"
        )
        await gateway.send(run)
        finished = await gateway.finished(run.id)
    assert (finished.started, finished.signal) == (True, 9)
    assert finished.exit != 0
    assert gateway.streams[run.id][1].startswith(b"before\n")


@pytest.mark.thorough
async def test_an_agent_with_little_memory_brings_a_lot_of_output(
    gateway: Gateway, daemon: Daemon
) -> None:
    with memory_limit(96 * 1024 * 1024) as group:
        children = proc_text(daemon.pid, f"task/{daemon.pid}/children").split()
        for pid in (str(daemon.pid), *children):
            (group / "cgroup.procs").write_text(pid)
        runs = [script("head -c 8000000 /dev/zero | tr '\\0' 'x'") for _ in range(5)]
        for run in runs:
            await gateway.send(run)
        for run in runs:
            finished = await gateway.finished(run.id, seconds=60)
            assert finished.exit == 0
            gateway.check_log(finished)


async def test_few_descriptors_are_enough_for_a_hundred_commands(
    gateway: Gateway, daemon: Daemon
) -> None:
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (256, 256))
    runs = [script(f"echo {n}", isolation=Isolation(mode="shared")) for n in range(100)]
    for run in runs:
        await gateway.send(run)
    await gateway.wait(Finished, count=100, seconds=90)
    for finished in gateway.of_kind(Finished):
        assert finished.exit == 0
        gateway.check_log(finished)


@pytest.mark.thorough
async def test_ten_thousand_workspaces_hold_nothing_up(gateway: Gateway, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url)
    for number in range(10_000):
        folder = daemon.home / "cmd" / f"01920000-0000-7000-8000-{number:012d}"
        folder.mkdir(parents=True)
        os.mkfifo(folder / "left") if number % 1000 == 0 else (folder / "left").touch()
    began = time.monotonic()
    await daemon.start()
    await gateway.wait(Hello)
    assert time.monotonic() - began < 15
    assert (await run_to_end(gateway, script("echo hi"))).exit == 0
    resident = next(r for r in proc_text(daemon.pid, "status").splitlines() if "VmRSS" in r)
    assert int(resident.split()[1]) < 64 * 1024
    await daemon.stop()
