"""What a power cut may take: an exit file that was not forced to the disk is found in the spool."""

import json
import os
from pathlib import Path

import pytest

from agent.contracts.messages import Hello
from agent.contracts.spool import SpoolReader, SpoolWriter
from tests.agent.daemon.gateway import Daemon, Gateway, script, starts, witness


@pytest.mark.parametrize("left", ["nothing", "empty", "half"])
async def test_the_end_is_found_without_the_exit_file(
    gateway: Gateway, tmp_path: Path, left: str
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url)
    await daemon.start(failpoints="exit=kill9")
    await gateway.wait(Hello)
    run = script(witness(tmp_path) + "echo done; exit 6")
    await gateway.send(run)
    await daemon.died()
    exit_file = tmp_path / "home" / "cmd" / run.id / "exit"
    text = exit_file.read_text()
    if left == "nothing":
        exit_file.unlink()
    else:
        exit_file.write_text("" if left == "empty" else text[: len(text) // 2])
    await daemon.start()
    finished = await gateway.finished(run.id)
    assert (finished.exit, finished.reason, finished.started) == (6, "", True)
    gateway.check_log(finished)
    assert starts(tmp_path) == 1
    await daemon.stop()


async def test_half_an_exit_record_is_none(gateway: Gateway, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url)
    await daemon.start(failpoints="exit=kill9")
    await gateway.wait(Hello)
    run = script("echo done")
    await gateway.send(run)
    await daemon.died()
    folder = tmp_path / "home" / "cmd" / run.id
    (folder / "exit").unlink()
    os.truncate(folder / "out.spool", (folder / "out.spool").stat().st_size - 1)
    await daemon.start()
    finished = await gateway.finished(run.id)
    assert finished.reason == "lost"
    await daemon.stop()


def test_the_exit_record_is_no_part_of_the_log(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path / "out.spool")
    writer.write(1, b"one\n")
    writer.write(2, b"two\n")
    record = {"exit": 0, "bytes": writer.total, "sha256": writer.sha256}
    writer.end(record)
    writer.close()
    with SpoolReader(tmp_path / "out.spool") as reader:
        assert reader.exit_record() is None
        assert [frame.payload for frame in reader] == [b"one\n", b"two\n"]
        assert reader.offset == 8
        assert reader.exit_record() == json.loads(json.dumps(record))
