"""What stays of a command after the server has its result, and for how long."""

from pathlib import Path

from agent.contracts.messages import Hello, Run
from tests.agent.daemon.gateway import Daemon, Gateway, script, until


async def run_to_end(gateway: Gateway, run: Run) -> None:
    await gateway.send(run)
    gateway.check_log(await gateway.finished(run.id))


async def test_a_workspace_stays_for_a_look(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    run, loud = script("echo kept > file"), script("head -c 2000000 /dev/zero")
    await run_to_end(gateway, run)
    await run_to_end(gateway, loud)
    root = daemon.home / "cmd"
    assert (root / run.id / "work" / "file").read_text() == "kept\n"
    # A large one is not kept.
    await until(lambda: not (root / loud.id).exists())
    # The next daemon goes on counting.
    await daemon.kill()
    await daemon.start()
    await gateway.wait(Hello, count=2)
    assert (root / run.id / "work" / "file").exists()


async def test_workspaces_are_removed_after_their_time(gateway: Gateway, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url, workspace_retention_s=0.3)
    await daemon.start()
    await gateway.wait(Hello)
    runs = [script("echo hi") for _ in range(3)]
    for run in runs:
        await run_to_end(gateway, run)
    await until(lambda: not any((daemon.home / "cmd").iterdir()))
    # What an unclean end left behind goes too.
    (daemon.home / "cmd" / "left").mkdir()
    await daemon.kill()
    await daemon.start()
    await until(lambda: not any((daemon.home / "cmd").iterdir()))
    await daemon.stop()
