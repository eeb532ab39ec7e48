"""Transferring a package with a real runner: the file as it is, in one step, told in outputs."""

import stat
from pathlib import Path
from typing import Any

import pytest

Agent = Any
PATH = "Octopus.Action.Package.TransferPath"
BYTES = bytes(range(256)) * 9000


def transfer(agent: Agent, path: str, **given: str) -> Any:
    package = agent.add_package(BYTES, extension=".tar.gz")
    values = {PATH: path, **given}
    return agent.run(values, kind="transfer_package", packages=[package])


def test_the_file_is_placed_and_told(agent: Agent, tmp_path: Path) -> None:
    run = transfer(agent, "#{Root}/new/files", Root=str(tmp_path))
    file = tmp_path / "new/files/Acme.Web.1.0.0.tar.gz"
    assert run.exit["exit"] == 0, run.text
    assert file.read_bytes() == BYTES
    assert stat.S_IMODE(file.stat().st_mode) & 0o400
    assert run.outputs == {
        "Package.DirectoryPath": str(file.parent),
        "Package.FileName": "Acme.Web.1.0.0.tar.gz",
        "Package.FilePath": str(file),
    }
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_is_there_is_replaced_and_whoever_reads_it_keeps_the_old(
    agent: Agent, tmp_path: Path
) -> None:
    file = tmp_path / "Acme.Web.1.0.0.tar.gz"
    file.write_text("old")
    with file.open() as reader:
        assert transfer(agent, str(tmp_path)).exit["exit"] == 0
        assert reader.read() == "old"
    assert file.read_bytes() == BYTES


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "which is empty, is not known"),
        ("#{Nowhere}", "#{Nowhere}, is not known"),
        ("relative/path", "relative/path, is not absolute"),
        ("/tmp/../etc", "is not absolute"),
        ("/proc/nothing", "The package was not copied to /proc/nothing/Acme.Web"),
    ],
)
def test_directories_that_will_not_do(agent: Agent, path: str, words: str) -> None:
    run = transfer(agent, path)
    assert run.exit["exit"] != 0
    assert words in run.text + str(run.exit)


def test_the_agents_own_directories_are_refused(agent: Agent) -> None:
    run = transfer(agent, str(agent.home / "packages"))
    assert "belongs to the agent" in run.text + str(run.exit)


def test_a_folder_in_the_way_stays_and_nothing_is_left_behind(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "Acme.Web.1.0.0.tar.gz").mkdir()
    run = transfer(agent, str(tmp_path))
    assert "is a folder" in run.text + str(run.exit)
    assert len(list(tmp_path.glob("*"))) == 1 + (agent.home.parent == tmp_path)
    assert not list(tmp_path.glob(".octopus-*"))
