"""Patches make exactly the new archive, are small, and hurt nobody when they are damaged."""

import gzip
import hashlib
import io
import random
import zipfile
import zlib
from pathlib import Path

import pytest

from agent.patches import BrokenPatch, apply_patch
from agent.runtime.packages.zstd import find_zstd
from packages_feed.patches import (
    FILES,
    FORMS,
    ZSTD,
    Archive,
    Unpatchable,
    frames,
    make_patch,
    making,
)
from packages_feed.patches.levels import Levels
from tests.factories.archives import application, tar_bytes, zip_bytes

ONE, TWO = application(1), application(2)
PAIRS = {
    "rebuilt": (zip_bytes(ONE), zip_bytes(TWO)),
    "restamped": (zip_bytes(ONE), zip_bytes(TWO, year=2021)),
    "packed otherwise": (zip_bytes(ONE), zip_bytes(TWO, level=1)),
    "stored": (zip_bytes(ONE, level=0), zip_bytes(TWO, level=0)),
    "with a stub before it": (zip_bytes(ONE), b"#!/bin/sh\n" * 30 + zip_bytes(TWO)),
    "the same": (zip_bytes(ONE), zip_bytes(ONE)),
    "with an empty entry": (zip_bytes(ONE), zip_bytes({**TWO, "app/empty.txt": b""})),
    "tar": (tar_bytes(ONE), tar_bytes(TWO)),
    "tar.gz": (gzip.compress(tar_bytes(ONE)), gzip.compress(tar_bytes(TWO), 6, mtime=1)),
}


def patch_of(folder: Path, old: bytes, new: bytes, form: str, extension: str = ".zip") -> bytes:
    (folder / "old").write_bytes(old)
    (folder / "new").write_bytes(new)
    with (
        Archive(folder / "old", extension) as one,
        Archive(folder / "new", extension) as two,
        (folder / "patch").open("wb") as file,
    ):
        size = make_patch(one, two, file, form)
    patch = (folder / "patch").read_bytes()
    assert size == len(patch)
    return patch


def applied(patch: bytes, old: bytes, size: int) -> bytes:
    target = io.BytesIO()
    digest = apply_patch(io.BytesIO(patch), io.BytesIO(old), target, size=size, zstd=find_zstd())
    assert digest == hashlib.sha256(target.getvalue()).hexdigest()
    return target.getvalue()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PAIRS)
def test_a_patch_makes_exactly_the_new_archive(tmp_path: Path, name: str, form: str) -> None:
    old, new = PAIRS[name]
    extension = f".{name}" if name.startswith("tar") else ".zip"
    if form == FILES and name in {"packed otherwise", "tar.gz"}:
        with pytest.raises(Unpatchable, match="larger than 60 %"):
            patch_of(tmp_path, old, new, form, extension)
        return
    patch = patch_of(tmp_path, old, new, form, extension)
    assert applied(patch, old, len(new)) == new
    # Three files differ: 30 % of the bytes at the utmost, where they come as they are.
    assert len(patch) < len(new) * (0.06 if form == ZSTD else 0.3)


def test_both_directions_and_jumps_over_versions_work(tmp_path: Path) -> None:
    archives = [zip_bytes(application(version), year=2000 + version) for version in (1, 2, 4)]
    for old in archives:
        for new in archives:
            assert applied(patch_of(tmp_path, old, new, ZSTD), old, len(new)) == new


def test_what_another_program_packed_is_sent_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deflated bytes cannot be made here again, so only whole entries are taken over."""

    def foreign(*_: object) -> object:
        return zlib.compressobj(6, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)

    monkeypatch.setattr(zipfile, "_get_compressor", foreign)
    old, new = zip_bytes(ONE), zip_bytes(TWO, year=2021)
    monkeypatch.undo()
    patches = {form: patch_of(tmp_path, old, new, form) for form in FORMS}
    for patch in patches.values():
        assert applied(patch, old, len(new)) == new
        assert len(new) * 0.06 < len(patch) < len(new) * 0.3
    assert Levels().find(ONE["app/module1.txt"], b"x" * 100) is None


@pytest.mark.parametrize("form", FORMS)
def test_a_patch_that_is_not_worth_while_is_refused(tmp_path: Path, form: str) -> None:
    other = {name: content[::-1] for name, content in ONE.items()}
    with pytest.raises(Unpatchable, match="larger than 60 %"):
        patch_of(tmp_path, zip_bytes(ONE), zip_bytes(other), form)


@pytest.mark.parametrize(
    "content", [b"no archive at all", zip_bytes(ONE)[:-300], zip_bytes(ONE)[3000:]]
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Unpatchable):
        patch_of(tmp_path, zip_bytes(ONE), content, ZSTD)


def test_large_entries_go_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deflated as one stream all the same, whether or not the old one was as large."""
    for name, value in (("_PART", 20_000), ("_WHOLE", 30_000), ("_NEAR", 5000)):
        monkeypatch.setattr(making, name, value)
    monkeypatch.setattr(frames, "_USUAL", 25_000)
    content = b"".join(ONE.values())[:200_000]
    changed = content[:70_000] + b"something new" + content[70_000:]
    for old, new in ((content, changed), (changed, content), (content[:30_000], changed)):
        one, two = zip_bytes({"a.txt": old}), zip_bytes({"a.txt": new}, year=2021)
        try:
            patch = patch_of(tmp_path, one, two, ZSTD)
        except Unpatchable:
            assert len(old) < 50_000
            continue
        assert applied(patch, one, len(two)) == two
        assert patch.count(b"zstd") > 5


@pytest.mark.parametrize("head", [b"\x1f\x8b\x08\x04", b"\x1f\x8b\x08\x08" + b"n" * 100, b"\x1f"])
def test_unusual_gzip_headers_are_refused(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(Unpatchable):
        patch_of(tmp_path, gzip.compress(b"a" * 100), head, ZSTD, ".tar.gz")


def test_archives_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unpatchable, match=r"\.tar\.xz"):
        patch_of(tmp_path, b"x" * 100, b"y" * 100, ZSTD, ".tar.xz")


@pytest.mark.parametrize("form", FORMS)
def test_damage_is_an_error_or_gives_another_hash(tmp_path: Path, form: str) -> None:
    """Nothing but these two: no other exception, and never more bytes than were asked for."""
    old, new = PAIRS["restamped"]
    patch, numbers = patch_of(tmp_path, old, new, form), random.Random(3)
    wanted = hashlib.sha256(new).hexdigest()
    noticed = 0
    for _ in range(300):
        damaged = bytearray(patch)
        for _ in range(numbers.randrange(1, 4)):
            damaged[numbers.randrange(len(damaged))] ^= 1 << numbers.randrange(8)
        if numbers.random() < 0.3:
            del damaged[numbers.randrange(len(damaged)) :]
        target = io.BytesIO()
        try:
            digest = apply_patch(
                io.BytesIO(damaged), io.BytesIO(old), target, size=len(new), zstd=find_zstd()
            )
        except BrokenPatch:
            noticed += 1
        else:
            assert (digest == wanted) == (target.getvalue() == new)
        assert len(target.getvalue()) <= len(new)
    assert noticed > 200


def test_another_base_and_another_size_are_noticed(tmp_path: Path) -> None:
    old, new = PAIRS["restamped"]
    patch = patch_of(tmp_path, old, new, ZSTD)
    with pytest.raises(BrokenPatch):
        applied(patch, zip_bytes(application(4)), len(new))
    for size in (len(new) - 1, len(new) + 1):
        with pytest.raises(BrokenPatch):
            applied(patch, old, size)
    with pytest.raises(BrokenPatch, match="zstd"):
        apply_patch(io.BytesIO(patch), io.BytesIO(old), io.BytesIO(), size=len(new))
