"""Frames are read within bounds, whatever a patch says."""

import io
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from agent.patches import deflating
from agent.patches import format as patch_format
from agent.patches.deflating import LEVELS, deflate_mark, deflater
from agent.patches.format import (
    MAGIC,
    MAX_PAYLOAD,
    MAX_PREFIX,
    ZLIB,
    ZSTD,
    BrokenPatch,
    Copy,
    Data,
    Piece,
    Plan,
    read_frames,
    write_frame,
)
from agent.runtime.packages import zstd as machine_zstd


def framed(plan: Plan) -> io.BytesIO:
    file = io.BytesIO()
    file.write(MAGIC)
    write_frame(file, plan, ZSTD, b"")
    file.seek(0)
    return file


def test_a_plan_is_read_as_it_was_written() -> None:
    plan = Plan(
        prefix=[Piece(7, 100), Piece(500, 30, 90, 7)],
        steps=[Copy(9, 10), Data(5), Data(6, 9, more=True), Copy(19, 1), Copy(3, 2), Data(8, 9)],
    )
    [(compression, read, length)] = read_frames(framed(plan))
    assert (compression, read, length) == (ZSTD, plan, 0)


@pytest.mark.parametrize(
    "plan",
    [
        Plan(steps=[Data(MAX_PAYLOAD + 1)]),
        Plan(prefix=[Piece(0, MAX_PREFIX + 1)]),
        Plan(prefix=[Piece(0, 10, MAX_PREFIX), Piece(0, 1)]),
        Plan(steps=[Copy(-1, 5)]),
        Plan(steps=[Copy(1 << 50, 5)]),
        Plan(steps=[Data(5, 0)]),
        Plan(steps=[Data(5, 10)]),
        Plan(steps=[Data(5, 20)]),
    ],
)
def test_what_is_out_of_bounds_is_refused(plan: Plan) -> None:
    file = io.BytesIO()
    text = patch_format._encode(plan)
    size = min(max(plan.payload_size, 0), MAX_PAYLOAD + 1)
    file.write(MAGIC + struct.pack(">4sIIQ", ZLIB, len(text), size, 0) + text)
    file.seek(0)
    with pytest.raises(BrokenPatch):
        list(read_frames(file))


@pytest.mark.parametrize(
    "change",
    [
        lambda columns: columns.pop("k"),
        lambda columns: columns.update(k="x"),
        lambda columns: columns.update(n=[]),
        lambda columns: columns.update(n=["5"]),
        lambda columns: columns.update(p=[1, 2, 3]),
        lambda columns: columns.update(n=[1.5]),
    ],
)
def test_plans_of_the_wrong_shape_are_refused(change: Callable[[dict[str, Any]], object]) -> None:
    columns: dict[str, Any] = {"p": [], "k": "d", "n": [5], "o": [], "l": []}
    change(columns)
    text = zlib.compress(repr(columns).replace("'", '"').encode())
    file = io.BytesIO(MAGIC + struct.pack(">4sIIQ", ZLIB, len(text), 5, 0) + text)
    with pytest.raises(BrokenPatch):
        list(read_frames(file))


def test_a_plan_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch_format, "MAX_PLAN", 4000)
    text = zlib.compress(b" " * 1_000_000)
    file = io.BytesIO(MAGIC + struct.pack(">4sIIQ", ZLIB, len(text), 0, 0) + text)
    with pytest.raises(BrokenPatch):
        list(read_frames(file))


def test_the_mark_says_how_this_zlib_deflates(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = deflate_mark()
    assert re.fullmatch("[0-9a-f]{16}", mark)
    deflate_mark.cache_clear()
    assert deflate_mark() == mark
    deflate_mark.cache_clear()
    with monkeypatch.context() as patched:
        # Another zlib, whose hashes of what it has seen need twice the memory.
        patched.setattr(deflating, "_MEMORY", 9)
        assert deflate_mark() != mark
    deflate_mark.cache_clear()
    text = b"abc" * 1000
    for level in LEVELS:
        work = deflater(level)
        packed = work.compress(text) + work.flush()
        assert zlib.decompress(packed, -15) == text


@pytest.mark.parametrize("name", ["backports.zstd", "zstandard", "the program zstd"])
@pytest.mark.parametrize("size", [0, 100, 40 * 1024 * 1024])
def test_every_program_unpacks_with_a_prefix(name: str, size: int) -> None:
    """A prefix that is larger than the programs' usual windows too."""
    backports = pytest.importorskip("backports.zstd")
    way = dict(machine_zstd._WAYS)[name]()
    assert way is not None, f"{name} is not installed"
    prefix = bytes(range(256)) * (size // 256) + b"the end" * (size > 0)
    content = prefix[-200:] + b"something new" + prefix[:200]
    dictionary = backports.ZstdDict(prefix, is_raw=True).as_prefix if len(prefix) >= 8 else None
    options = {backports.CompressionParameter.window_log: 27}
    packer = backports.ZstdCompressor(options=options, zstd_dict=dictionary)
    packed = packer.compress(content) + packer.flush()
    file = io.BytesIO(packed + b"what follows")
    reader, found = way(file, len(packed), prefix), b""
    while block := reader.read(50):
        found += block
    assert (found, file.read()) == (content, b"what follows")
    broken = way(io.BytesIO(b"x" * 100), 100, b"") if "program" not in name else None
    if broken is not None:
        with pytest.raises(BrokenPatch):
            broken.read(10)
