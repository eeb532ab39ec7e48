"""Files that scripts hand over arrive whole, before the result, whatever breaks on the way."""

import os
from pathlib import Path

import pytest

from agent.contracts.masking import Secrets
from agent.contracts.messages import Finished, Hello, Run
from agent.runtime.runner.keep import KeptFiles
from tests.agent.daemon.gateway import Daemon, Gateway, script, starts, witness
from tests.agent.daemon.web import Web

CONTENT = os.urandom(9_000_000)


def stored(web: Web, run: Run) -> dict[str, bytes]:
    """Return what the server holds of a command, by name."""
    return {
        web.artifact_names[path]: bytes(data)
        for path, data in web.artifacts.items()
        if f"/commands/{run.id}/" in path and path in web.artifact_names
    }


async def started(gateway: Gateway, web: Web, folder: Path, failpoints: str = "") -> Daemon:
    daemon = Daemon(folder / "home", gateway.url, server_url=web.url)
    await daemon.start(failpoints)
    await gateway.wait(Hello)
    return daemon


def handing_over(folder: Path) -> Run:
    (folder / "big.bin").write_bytes(CONTENT)
    return script(
        f"cp {folder}/big.bin report.bin; new_octopusartifact report.bin 'résumé %.bin'\n"
        "echo gone > short; new_octopusartifact short; touch empty; new_octopusartifact empty\n"
        f"rm {folder}/big.bin\n" + witness(folder)
    )


WHOLE = {"résumé %.bin": CONTENT, "short": b"gone\n", "empty": b""}


async def test_artifacts_arrive_before_the_result(
    gateway: Gateway, web: Web, tmp_path: Path
) -> None:
    daemon = await started(gateway, web, tmp_path)
    run = handing_over(tmp_path)
    await gateway.send(run)
    finished = await gateway.finished(run.id)
    assert (finished.exit, finished.message) == (0, "")
    assert stored(web, run) == WHOLE
    assert all("c" * 64 in headers["authorization"] for _, _, headers, _ in web.requests)
    await daemon.stop()


@pytest.mark.parametrize("fault", [0, 500, 503])
async def test_an_upload_goes_on_where_it_broke(
    gateway: Gateway, web: Web, tmp_path: Path, fault: int
) -> None:
    web.artifact_faults = [fault, fault]
    daemon = await started(gateway, web, tmp_path)
    run = handing_over(tmp_path)
    await gateway.send(run)
    finished = await gateway.finished(run.id)
    assert (finished.exit, finished.message) == (0, "")
    assert stored(web, run) == WHOLE
    sent = sum(len(body) for method, _, _, body in web.requests if method == "PUT")
    assert sent < len(CONTENT)
    await daemon.stop()


async def test_what_the_server_refuses_is_told_with_the_result(
    gateway: Gateway, web: Web, tmp_path: Path
) -> None:
    web.artifact_faults = [404]
    daemon = await started(gateway, web, tmp_path)
    run = script("echo x > one; new_octopusartifact one; echo y > two; new_octopusartifact two")
    await gateway.send(run)
    finished = await gateway.finished(run.id)
    assert finished.exit == 0
    assert finished.message.startswith("The artifact one could not be stored: ")
    assert stored(web, run) == {"two": b"y\n"}
    await daemon.stop()


async def test_a_daemon_that_dies_before_the_upload_does_it_later(
    gateway: Gateway, web: Web, tmp_path: Path
) -> None:
    daemon = await started(gateway, web, tmp_path, failpoints="exit=kill9")
    run = handing_over(tmp_path)
    await gateway.send(run)
    await daemon.died()
    assert not gateway.of_kind(Finished)
    await daemon.start()
    assert (await gateway.finished(run.id)).exit == 0
    assert stored(web, run) == WHOLE
    assert starts(tmp_path) == 1
    await daemon.stop()


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"<html>"])
async def test_an_answer_that_is_none_is_told_once(
    gateway: Gateway, web: Web, tmp_path: Path, answer: bytes
) -> None:
    web.artifact_answer = answer
    daemon = await started(gateway, web, tmp_path)
    run = script("echo x > one; new_octopusartifact one")
    await gateway.send(run)
    finished = await gateway.finished(run.id)
    assert finished.exit == 0
    assert finished.message.startswith("The artifact one could not be stored: ")
    await daemon.stop()


def test_a_failed_attempt_never_writes_into_the_files_of_the_script(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("mine")
    second.write_text("other")
    kept = KeptFiles(tmp_path / "cmd")
    (tmp_path / "cmd" / "artifacts").mkdir(parents=True)
    # What a full disk leaves when the index could not be written.
    os.link(first, tmp_path / "cmd" / "artifacts" / "1")
    secrets = Secrets()
    assert kept.keep(second, "second", secrets) == ({"number": 1, "length": 5}, False)
    assert first.read_text() == "mine"
    with pytest.raises(OSError, match="no file"):
        kept.keep(tmp_path, "a folder", secrets)


@pytest.mark.parametrize("before", [0, 1024 * 1024 - 5, 3 * 1024 * 1024])
def test_secrets_in_a_file_are_masked_wherever_they_stand(tmp_path: Path, before: int) -> None:
    secrets = Secrets()
    secrets.add("hunter two three")
    said = tmp_path / "said"
    (tmp_path / "cmd").mkdir()
    said.write_bytes(b"x" * before + b"hunter two three\n\xff")
    kept, is_masked = KeptFiles(tmp_path / "cmd").keep(said, "said", secrets)
    stored = (tmp_path / "cmd" / "artifacts" / "1").read_bytes()
    assert (is_masked, stored) == (True, b"x" * before + b"********\n\xff")
    assert kept["length"] == len(stored)
    assert b"hunter" in said.read_bytes()
