"""The agent replaces itself while scripts run; what does not work never takes its place."""

import asyncio
import hashlib
import json
import signal
import sys
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agent.contracts.messages import Hello, Started, Upgrade, UpgradeState
from agent.runtime import config
from agent.runtime.zipapp import build
from agent.version import VERSION
from tests.agent.daemon.gateway import Daemon, Gateway, open_gateway, script, starts, witness
from tests.agent.daemon.web import Web

NEW = "9.9.0"
_PATIENCE = 60.0
_VERSION_FILE = "agent/version.py"
_CLI = "agent/runtime/cli.py"
_LIMITS = "agent/contracts/limits.py"


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zipapp") / "tentacle.pyz"
    build(path)
    return path


def changed(source: Path, target: Path, **changes: tuple[str, str]) -> Path:
    """Copy a zipapp with texts of some of its files replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    by_name = {"version": _VERSION_FILE, "cli": _CLI, "limits": _LIMITS}
    edits = {by_name[key]: change for key, change in changes.items()}
    with zipfile.ZipFile(source) as old, target.open("wb") as file:
        file.write(b"#!/usr/bin/env -S python3 -I\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                content = old.read(name)
                if name in edits:
                    before, after = edits[name]
                    assert before.encode() in content
                    content = content.replace(before.encode(), after.encode(), 1)
                new.writestr(name, content)
    return target


@dataclass
class Place:
    """An agent that runs from an installed zipapp, and the server it belongs to."""

    gateway: Gateway
    web: Web
    daemon: Daemon
    folder: Path
    installed: Path
    zipapp: Path

    def offer(self, version: str = NEW, **changes: tuple[str, str]) -> Upgrade:
        """Put a program of another version on the server and describe it."""
        path = changed(
            self.zipapp, self.folder / "offer.pyz", version=(VERSION, version), **changes
        )
        return self.offer_bytes(path.read_bytes(), version)

    def offer_bytes(self, content: bytes, version: str = NEW, **fields: Any) -> Upgrade:
        sha256 = self.web.add(content)
        url = f"/agent/v1/packages/{sha256}"
        values = {
            "request": sha256[:8],
            "url": url,
            "sha256": sha256,
            "size": len(content),
            **fields,
        }
        return Upgrade(version=version, **values)

    async def hello(self, count: int) -> Hello:
        """Return what the agent said when it connected for the count-th time."""
        return await self.gateway.wait(Hello, count=count, seconds=_PATIENCE)

    async def told(self, version: str, stage: str) -> UpgradeState:
        """Wait until the agent says this of an upgrade."""
        return await self.gateway.wait(
            UpgradeState, lambda s: (s.version, s.stage) == (version, stage), seconds=_PATIENCE
        )

    async def ended(self, *, count: int = 1) -> UpgradeState:
        """Return the end of an upgrade."""
        final = {"done", "failed", "refused"}
        return await self.gateway.wait(
            UpgradeState, lambda state: state.stage in final, count=count, seconds=_PATIENCE
        )

    def versions(self) -> list[str]:
        """Return the versions that have connected, in order."""
        return [hello.agent_version for hello in self.gateway.of_kind(Hello)]


@pytest.fixture
async def place(web: Web, zipapp: Path, tmp_path: Path) -> AsyncIterator[Place]:
    installed = changed(
        zipapp,
        tmp_path / "installed" / "tentacle.pyz",
        limits=("UPGRADE_TRIAL = 60.0", "UPGRADE_TRIAL = 15.0"),
    )
    async with open_gateway() as gateway:
        daemon = Daemon(tmp_path / "home", gateway.url, program=installed, server_url=web.url)
        await daemon.start()
        try:
            await gateway.wait(Hello, seconds=_PATIENCE)
            yield Place(gateway, web, daemon, tmp_path, installed, zipapp)
        finally:
            await daemon.stop()


async def test_an_upgrade_while_a_script_runs(place: Place, tmp_path: Path) -> None:
    gateway = place.gateway
    run = script(witness(tmp_path) + "for i in $(seq 1 80); do echo $i; sleep 0.1; done; exit 7")
    await gateway.send(run)
    await gateway.wait(Started)
    pid = place.daemon.pid
    place.web.cut_after = 100_000
    await gateway.send(place.offer())
    state = await place.ended()
    assert (state.version, state.stage, state.detail) == (NEW, "done", "")
    stages = [each.stage for each in gateway.of_kind(UpgradeState)]
    assert list(dict.fromkeys(stages)) == ["downloading", "checking", "trying", "done"]
    assert place.web.ranges() == ["", "bytes=100000-"]
    assert place.versions() == [VERSION, NEW, NEW]
    assert place.daemon.pid == pid
    finished = await gateway.finished(run.id, _PATIENCE)
    assert finished.exit == 7
    gateway.check_log(finished)
    expected = "".join(f"{i}\n" for i in range(1, 81)).encode()
    assert gateway.streams[run.id][1].startswith(expected)
    assert starts(tmp_path) == 1
    # The spawner and runners of the new program work as well.
    second = script("exit 3")
    await gateway.send(second)
    assert (await gateway.finished(second.id)).exit == 3


async def test_the_new_program_stays_until_somebody_installs_another(place: Place) -> None:
    await place.gateway.send(place.offer())
    assert (await place.ended()).stage == "done"
    await place.hello(3)
    await place.daemon.stop()
    await place.daemon.start()
    assert (await place.hello(4)).agent_version == NEW
    status = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(place.installed), "status", "--json"),
        *("--home", str(place.daemon.home)),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await status.communicate()
    assert json.loads(told)["version"] == NEW
    second = place.offer("9.9.1")
    await place.gateway.send(second)
    await place.told("9.9.1", "done")
    await place.daemon.kill()
    await place.daemon.start()
    hellos = len(place.gateway.of_kind(Hello))
    assert (await place.hello(hellos + 1)).agent_version == "9.9.1"
    await place.daemon.stop()
    changed(place.zipapp, place.installed, version=(VERSION, "5.0.0"))
    await place.daemon.start()
    assert (await place.hello(hellos + 2)).agent_version == "5.0.0"


BROKEN = {
    "it is no program": (None, "does not start"),
    "it crashes when it runs": (
        ("spawner = fork_spawner()", "raise SystemExit(4)"),
        "ended with exit code 4 before the server welcomed it",
    ),
    "it is never welcome": (
        ("spawner = fork_spawner()", "import time; time.sleep(600)"),
        "did not welcome the new program within 15 s",
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_program_is_not_kept(place: Place, tmp_path: Path, name: str) -> None:
    change, why = BROKEN[name]
    offer = place.offer_bytes(b"PK nonsense") if change is None else place.offer(cli=change)
    run = script(witness(tmp_path) + "sleep 4; exit 6")
    await place.gateway.send(run)
    await place.gateway.wait(Started)
    await place.gateway.send(offer)
    state = await place.ended()
    assert state.stage == "failed"
    assert why in state.detail
    finished = await place.gateway.finished(run.id, _PATIENCE)
    assert (finished.exit, starts(tmp_path)) == (6, 1)
    assert set(place.versions()) == {VERSION}
    assert not (place.daemon.home / "versions" / "current").exists()
    # A good one works afterwards.
    await place.gateway.send(place.offer("9.9.2"))
    await place.told("9.9.2", "done")


async def test_a_program_of_another_version_or_content_is_not_tried(place: Place) -> None:
    content = changed(place.zipapp, place.folder / "x.pyz", version=(VERSION, "9.9.8")).read_bytes()
    await place.gateway.send(place.offer_bytes(content))
    assert "says it is 'tentacle 9.9.8'" in (await place.ended()).detail
    place.web.spoil = True
    await place.gateway.send(place.offer("9.9.3"))
    state = await place.told("9.9.3", "failed")
    assert "expected" in state.detail
    assert place.versions() == [VERSION]


async def test_what_is_refused(place: Place) -> None:
    cases = [
        (place.offer_bytes(b"1", "1.0.1", size=2**50), "are needed"),
        (place.offer_bytes(b"2", "1.0.2", url="https://example.com/x"), "not on the server"),
        (place.offer_bytes(b"3", "../../etc"), "is not a version"),
    ]
    for number, (offer, why) in enumerate(cases, 1):
        await place.gateway.send(offer)
        state = await place.ended(count=number)
        assert (state.stage, why in state.detail) == ("refused", True), state
    file = place.daemon.home / "config.json"
    values = {**json.loads(file.read_text()), "upgrade_locked": True}
    config.write_private(file, json.dumps(values))
    await place.gateway.send(place.offer())
    state = await place.ended(count=len(cases) + 1)
    assert "locked on this machine" in state.detail
    assert [path for _, path, _, _ in place.web.requests] == []


async def test_a_python_package_is_not_upgraded(gateway: Gateway, daemon: Daemon) -> None:
    await gateway.send(Upgrade(version=NEW, url="/x", sha256="0" * 64))
    state = await gateway.wait(UpgradeState)
    assert (state.version, state.stage) == (NEW, "refused")
    assert "installed as a Python package (pip)" in state.detail


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("point", "stage", "version"),
    [
        ("downloaded", "failed", VERSION),
        ("trying", "failed", VERSION),
        ("before_swap", "failed", VERSION),
        ("swapped", "done", NEW),
    ],
)
async def test_killed_in_the_middle(
    place: Place, tmp_path: Path, point: str, stage: str, version: str
) -> None:
    await place.daemon.stop()
    await place.daemon.start(failpoints=f"{point}=kill9")
    await place.hello(2)
    run = script(witness(tmp_path) + "sleep 5; exit 8")
    await place.gateway.send(run)
    await place.gateway.wait(Started)
    offer = place.offer()
    await place.gateway.send(offer)
    assert await place.daemon.died() == -signal.SIGKILL
    # What was on trial leaves by itself when its parent is gone.
    await asyncio.sleep(1)
    known = len(place.gateway.of_kind(Hello))
    await place.daemon.start()
    hello = await place.hello(known + 1)
    assert hello.agent_version == version
    state = await place.ended()
    assert (state.version, state.stage) == (NEW, stage)
    finished = await place.gateway.finished(run.id, _PATIENCE)
    assert (finished.exit, starts(tmp_path)) == (8, 1)
    if stage == "failed":
        # The same request is answered with its end; a new one is begun.
        await place.gateway.send(offer)
        await place.ended(count=2)
        await place.gateway.send(replace(offer, request="again"))
        await place.told(NEW, "done")
    assert (
        hashlib.sha256(
            (place.daemon.home / "versions" / "current" / "tentacle.pyz").read_bytes()
        ).hexdigest()
        == offer.sha256
    )


async def test_a_service_that_is_stopped_in_the_trial_leaves_nothing_running(place: Place) -> None:
    offer = place.offer(cli=("spawner = fork_spawner()", "import time; time.sleep(600)"))
    await place.gateway.send(offer)
    await place.told(NEW, "trying")
    await asyncio.sleep(1.5)
    started = asyncio.get_running_loop().time()
    assert await place.daemon.stop() == 0
    assert asyncio.get_running_loop().time() - started < 10
    await place.daemon.start()
    state = await place.ended()
    assert (state.stage, "restarted" in state.detail) == ("failed", True)
