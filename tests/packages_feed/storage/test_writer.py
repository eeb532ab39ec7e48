"""The process that writes small files, and pushes that use it."""

import os
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from packages_feed.storage import writer as module
from packages_feed.storage.writer import MOST_CONTENT, Writer
from tests.support.processes import wait_until

CONTENT = b"bytes\0and more\0"


@pytest.fixture
def writer() -> Iterator[Writer]:
    started = Writer()
    yield started
    started.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "upload"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "packages" / "ab" / "cd" / "abcd"


def written(writer: Writer, path: Path, target: Path, content: bytes = CONTENT) -> bool:
    """Let a file be written and placed."""
    with begun(writer, path, target, content) as writing:
        return writing.is_placed()


def begun(writer: Writer, path: Path, target: Path, content: bytes = CONTENT) -> "module.Writing":
    writing = writer.begin(path, target, content)
    assert writing is not None
    return writing


@pytest.mark.parametrize("content", [CONTENT, b"", os.urandom(MOST_CONTENT)], ids=len)
def test_a_file_gets_its_place_and_keeps_its_first_name(
    writer: Writer, path: Path, target: Path, content: bytes
) -> None:
    assert written(writer, path, target, content)
    assert target.read_bytes() == content
    assert path.samefile(target)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_block_ends_when_the_file_is_in_its_place(
    writer: Writer, path: Path, target: Path
) -> None:
    with pytest.raises(ValueError, match="refused"), begun(writer, path, target):
        raise ValueError("refused")
    assert path.samefile(target)
    assert written(writer, path.with_name("next"), target.with_name("next"))


def test_what_is_there_already_is_not_written_again(
    writer: Writer, path: Path, target: Path
) -> None:
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    assert written(writer, path, target)
    assert not path.exists()


@pytest.mark.parametrize("way", ["damaged", "no folder", "no room for the name"])
def test_what_cannot_be_placed_is_left_to_the_caller(
    writer: Writer, path: Path, target: Path, way: str
) -> None:
    if way == "damaged":
        target.parent.mkdir(parents=True)
        target.write_bytes(b"damaged")
    elif way == "no folder":
        target.parents[2].write_text("a file")
    else:
        path = path.with_name("x" * 300)
    assert not written(writer, path, target)
    assert written(writer, path.with_name("next"), target.parents[3] / "elsewhere" / "next")


def test_one_file_at_a_time_and_no_large_one(writer: Writer, path: Path, target: Path) -> None:
    assert writer.begin(path, target, bytes(MOST_CONTENT + 1)) is None
    with begun(writer, path, target):
        assert writer.begin(path, target, CONTENT) is None
    assert written(writer, path, target)


def test_one_that_does_not_answer_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, path: Path, target: Path
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", struct.pack("ll", 0, 200_000))
    writer = Writer()
    os.kill(writer.process.pid, signal.SIGSTOP)
    assert not written(writer, path, target)
    writer.close()


@pytest.mark.parametrize("when", ["before", "while"])
def test_when_the_process_dies_another_takes_its_place(
    writer: Writer, path: Path, target: Path, when: str
) -> None:
    first = writer.process
    if when == "while":
        os.kill(first.pid, signal.SIGSTOP)  # it hears, and does not answer
        writing = begun(writer, path, target)
    first.kill()
    first.wait()
    if when == "while":
        with writing:
            assert not writing.is_placed()
    else:
        assert writer.begin(path, target, CONTENT) is None
    assert writer.process is not first
    assert written(writer, path.with_name("next"), target)


def test_it_ends_with_its_server_and_does_what_it_was_asked_last(path: Path, target: Path) -> None:
    script = f"""if True:
        import os
        from pathlib import Path
        from packages_feed.storage.writer import Writer
        writer = Writer()
        path, target = Path({str(path)!r}), Path({str(target)!r})
        with writer.begin(path, target, b"first") as writing:
            assert writing.is_placed()
        writer.begin(path.with_name("next"), target.with_name("next"), b"last")
        print(writer.process.pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment, check=False
    )
    process = Path("/proc") / done.stdout.decode().strip()
    assert process.name.isdecimal()
    wait_until(lambda: not process.exists())
    # Both have the names by which a sweep finds them.
    assert sorted(file.name for file in path.parent.iterdir()) == ["next", "packages", "upload"]
    assert sorted(file.name for file in target.parent.iterdir()) == ["abcd", "next"]
