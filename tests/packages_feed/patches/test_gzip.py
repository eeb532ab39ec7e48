"""Archives that the program gzip packed are patched by what they hold, and packed by gzip again."""

import gzip
import io
import os
from pathlib import Path

import pytest

from agent.patches import BrokenPatch, apply_patch, gzip_mark
from agent.patches.deflating import deflater
from agent.patches.format import LEVELS, ZLIB, Data, Plan, write_frame
from agent.patches.gzip_program import BY_PROGRAM, GzipProgram
from agent.runtime.packages.zstd import find_zstd
from packages_feed.patches import GZIP, ZSTD, Unpatchable, making
from packages_feed.patches.levels import gzip_level
from tests.factories.archives import application, by_gzip, tar_bytes
from tests.packages_feed.patches.test_making import applied, patch_of

ONE, TWO = (tar_bytes(application(version)) for version in (1, 2))


def stream(archive: bytes) -> bytes:
    return archive[10:-8]


@pytest.mark.parametrize("option", ["-6", "-9", "-1"])
def test_a_patch_makes_exactly_the_new_archive(tmp_path: Path, option: str) -> None:
    old, new = by_gzip(ONE, option), by_gzip(TWO, option)
    patch = patch_of(tmp_path, old, new, GZIP, ".tar.gz")
    assert applied(patch, old, len(new)) == new
    assert len(patch) < len(new) * 0.06


def test_a_name_in_the_header_and_an_old_one_of_zlib(tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    folder.mkdir()
    (folder / "app.tar").write_bytes(TWO)
    os.utime(folder / "app.tar", (1_000_000_000, 1_000_000_000))
    new = by_gzip(b"", "-N", str(folder / "app.tar"))
    assert b"app.tar\0" in new[:30]
    old = gzip.compress(ONE)
    patch = patch_of(tmp_path, old, new, GZIP, ".tgz")
    assert applied(patch, old, len(new)) == new


def test_what_zlib_packed_needs_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = gzip.compress(ONE), gzip.compress(TWO, 6, mtime=1)
    patch = patch_of(tmp_path, old, new, GZIP, ".tar.gz")
    monkeypatch.setenv("PATH", "")
    assert applied(patch, old, len(new)) == new


def test_large_contents_go_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_PART", 20_000), ("_WHOLE", 30_000), ("_NEAR", 5000)):
        monkeypatch.setattr(making, name, value)
    old, new = by_gzip(ONE), by_gzip(TWO)
    patch = patch_of(tmp_path, old, new, GZIP, ".tar.gz")
    assert applied(patch, old, len(new)) == new


@pytest.mark.parametrize("form", [ZSTD, GZIP])
def test_what_neither_packs_comes_whole(tmp_path: Path, form: str) -> None:
    old, new = by_gzip(ONE), by_gzip(TWO, "-3" if form == GZIP else "-6")
    with pytest.raises(Unpatchable, match="larger than 60 %"):
        patch_of(tmp_path, old, new, form, ".tar.gz")


def test_without_the_program_there_is_no_mark_and_no_patch_to_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(gzip_mark()) == 16
    old, new = by_gzip(ONE), by_gzip(TWO)
    patch = patch_of(tmp_path, old, new, GZIP, ".tar.gz")
    monkeypatch.setenv("PATH", str(tmp_path))
    gzip_mark.cache_clear()
    try:
        assert gzip_mark() == ""
        assert gzip_level(TWO, stream(new), 0) is None
        with pytest.raises(BrokenPatch, match="needs the program gzip"):
            applied(patch, old, len(new))
    finally:
        gzip_mark.cache_clear()


@pytest.mark.parametrize("body", ["exit 3", "cat; exit 3", "cat >/dev/null", "exec sleep 100"])
def test_a_program_that_is_no_gzip_is_an_error_or_another_content(
    tmp_path: Path, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GzipProgram.__init__, "__defaults__", (500,))
    old, new = by_gzip(ONE), by_gzip(TWO)
    patch = patch_of(tmp_path, old, new, GZIP, ".tar.gz")
    program = tmp_path / "gzip"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(BrokenPatch):
        applied(patch, old, len(new))
    assert gzip_level(TWO, stream(new), 0) is None


def test_no_program_goes_on_when_a_patch_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[GzipProgram] = []
    start = GzipProgram.__init__

    def noted(self: GzipProgram, level: int, patience_ms: int = 1000) -> None:
        start(self, level, patience_ms)
        began.append(self)

    monkeypatch.setattr(GzipProgram, "__init__", noted)
    file = io.BytesIO()
    file.write(b"OCTOPATCH\x01\r\n")
    write_frame(file, Plan(steps=[Data(5, BY_PROGRAM + 6, more=True)]), ZLIB, b"")
    file.seek(0)
    with pytest.raises(BrokenPatch):
        apply_patch(file, io.BytesIO(), io.BytesIO(), size=100, zstd=find_zstd())
    [program] = began
    assert program._process.returncode is not None


@pytest.mark.parametrize("size", [0, 1, 7, 100_000, 3_000_000])
def test_every_size_is_packed_as_by_the_program_itself(size: int) -> None:
    content = (ONE * 2)[:size]
    for level in (level - BY_PROGRAM for level in LEVELS if level > BY_PROGRAM):
        work = deflater(BY_PROGRAM + level)
        found = b"".join(work.compress(content[at : at + 70_000]) for at in range(0, size, 70_000))
        assert found + work.flush() == stream(by_gzip(content, "-n", f"-{level}"))
