"""Each kind of archive, and each attack by archive."""

import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.runtime.behaviours.archive_rules import (
    ArchiveLimits,
    Names,
    UnsafeArchive,
    clean_name,
)
from agent.runtime.behaviours.archives import Unpacked, folds_case, unpack

TAR_KINDS = [
    (".tar", "w"),
    (".tar.gz", "w:gz"),
    (".tgz", "w:gz"),
    (".tar.bz2", "w:bz2"),
    (".tar.xz", "w:xz"),
    (".tar.bz", "w:bz2"),
    (".txz", "w:xz"),
]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target"
    path.mkdir()
    return path


def make_zip(*entries: tuple[str, bytes] | tuple[zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def make_tar(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.mtime = kind, link, mode, 1_600_000_000
    return info


def do_unpack(
    target: Path, data: bytes, extension: str, limits: ArchiveLimits | None = None
) -> Unpacked:
    path = target.parent / "archive"
    path.write_bytes(data)
    return unpack(path, extension, target, limits=limits)


def tree(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@pytest.mark.parametrize(("extension", "mode"), TAR_KINDS)
def test_tar_kinds(target: Path, extension: str, mode: str) -> None:
    long_name = "/".join(["long-folder-name" * 3] * 6) + "/file.txt"
    data = make_tar(
        (member("./", tarfile.DIRTYPE, mode=0o755), b""),
        (member("./bin/", tarfile.DIRTYPE, mode=0o500), b""),
        (member("./bin/run", mode=0o6755), b"#!/bin/sh\n"),
        (member("big"), os.urandom(700_000)),
        (member("ünïcode"), b"u"),
        (member(long_name), b"long"),
        (member("current", tarfile.SYMTYPE, "bin/run"), b""),
        (member("same", tarfile.LNKTYPE, "./bin/run"), b""),
        mode=mode,
    )
    result = do_unpack(target, data, extension)
    assert (target / "bin/run").read_bytes() == b"#!/bin/sh\n"
    assert stat.S_IMODE((target / "bin/run").stat().st_mode) == 0o755
    assert stat.S_IMODE((target / "bin").stat().st_mode) == 0o700
    assert (target / "bin/run").stat().st_mtime == 1_600_000_000
    assert (target / "big").stat().st_size == 700_000
    assert (target / long_name).read_bytes() == b"long"
    assert (target / "ünïcode").read_bytes() == b"u"
    assert (target / "current").resolve() == target / "bin/run"
    assert (target / "same").read_bytes() == b"#!/bin/sh\n"
    assert (target / "same").stat().st_nlink == 1
    assert result.left_out == []
    assert result.files == 5


def test_zip_keeps_modes_and_links_and_windows_names(target: Path) -> None:
    script = zipfile.ZipInfo("run.sh")
    script.external_attr = (stat.S_IFREG | 0o4755) << 16
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = make_zip(
        (script, b"x"),
        (link, b"folder/file.txt"),
        ("folder\\file.txt", b"y"),
        ("empty/", b""),
        ("plain", b"z"),
    )
    do_unpack(target, data, ".zip")
    assert stat.S_IMODE((target / "run.sh").stat().st_mode) == 0o755
    assert (target / "link").read_bytes() == b"y"
    assert (target / "empty").is_dir()
    assert tree(target) == {"run.sh", "link", "folder", "folder/file.txt", "empty", "plain"}


def test_nupkg_leaves_the_wrapping_out(target: Path) -> None:
    data = make_zip(
        ("Acme.Web.nuspec", b"<package/>"),
        ("_rels/.rels", b""),
        ("[Content_Types].xml", b""),
        ("package/services/metadata/core-properties/1.psmdcp", b""),
        (".signature.p7s", b""),
        ("content/my%20file%23.txt", b"decoded"),
        ("package/real.txt", b"kept"),
        ("content/other.nuspec", b"kept"),
    )
    do_unpack(target, data, ".nupkg")
    assert {p for p in tree(target) if (target / p).is_file()} == {
        "content/my file#.txt",
        "content/other.nuspec",
        "package/real.txt",
    }


HOSTILE_NAMES = [
    "../evil",
    "a/../../evil",
    "a/../b",
    "/etc/evil",
    "//evil",
    "C:/evil",
    "c:evil",
    "a\x01b",
    "x" * 300,
    "/".join(["d"] * 200),
]


@pytest.mark.parametrize("name", [*HOSTILE_NAMES, "..\\evil", "a\\..\\..\\evil", "\\evil"])
def test_zip_refuses_names(target: Path, name: str) -> None:
    with pytest.raises(UnsafeArchive):
        do_unpack(target, make_zip((name, b"x")), ".zip")
    assert not (target.parent / "evil").exists()


@pytest.mark.parametrize("name", ["%2e%2e/evil", "..%2fevil", "%2Fetc/evil", "..%5cevil", "a%00b"])
def test_nupkg_refuses_encoded_names(target: Path, name: str) -> None:
    with pytest.raises(UnsafeArchive):
        do_unpack(target, make_zip((name, b"x")), ".nupkg")
    assert not (target.parent / "evil").exists()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize(
    "kind", [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]
)
def test_tar_refuses_names(target: Path, name: str, kind: bytes) -> None:
    with pytest.raises(UnsafeArchive):
        do_unpack(target, make_tar((member(name, kind, "a"), b"")), ".tar")
    assert not (target.parent / "evil").exists()


@pytest.mark.parametrize("link", ["/etc/passwd", "../../outside", "..", "b/../../../outside", "."])
def test_links_that_lead_outside_are_left_out(target: Path, link: str) -> None:
    (target.parent / "outside").write_text("outside")
    data = make_tar((member("a/link", tarfile.SYMTYPE, link), b""), (member("b"), b"kept"))
    result = do_unpack(target, data, ".tar")
    inside = link in ("..", ".") and (target / "a/link").is_symlink()
    assert inside or "leads outside" in result.left_out[0]
    if (target / "a/link").is_symlink():
        assert (target / "a/link").resolve().is_relative_to(target)
    assert (target / "b").read_bytes() == b"kept"


def test_nothing_is_written_through_a_link(target: Path) -> None:
    outside = target.parent / "outside"
    outside.mkdir()
    data = make_tar(
        (member("door", tarfile.SYMTYPE, str(outside)), b""), (member("door/evil"), b"x")
    )
    with pytest.raises(UnsafeArchive):
        do_unpack(target, data, ".tar")
    assert list(outside.iterdir()) == []


def test_chains_of_links_do_not_lead_outside(target: Path) -> None:
    data = make_tar(
        (member("deep/er", tarfile.DIRTYPE, mode=0o755), b""),
        (member("one", tarfile.SYMTYPE, "deep/er"), b""),
        (member("two", tarfile.SYMTYPE, "one/../../.."), b""),
        (member("loop", tarfile.SYMTYPE, "loop"), b""),
    )
    do_unpack(target, data, ".tar")
    links = [path for path in target.rglob("*") if path.is_symlink()]
    assert target / "one" in links
    assert all(path.resolve().is_relative_to(target) for path in links)


def test_hard_links_to_the_outside_are_refused_or_left_out(target: Path) -> None:
    result = do_unpack(target, make_tar((member("h", tarfile.LNKTYPE, "nowhere"), b"")), ".tar")
    assert result.left_out
    with pytest.raises(UnsafeArchive):
        do_unpack(target, make_tar((member("h", tarfile.LNKTYPE, "/etc/passwd"), b"")), ".tar")
    with pytest.raises(UnsafeArchive):
        do_unpack(target, make_tar((member("h", tarfile.LNKTYPE, "../archive"), b"")), ".tar")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_left_out(target: Path, kind: bytes) -> None:
    result = do_unpack(target, make_tar((member("dev", kind), b""), (member("a"), b"b")), ".tar")
    assert tree(target) == {"a"}
    assert "neither file, folder nor link" in result.left_out[0]


def test_zip_devices_are_left_out(target: Path) -> None:
    info = zipfile.ZipInfo("dev")
    info.external_attr = (stat.S_IFCHR | 0o666) << 16
    assert do_unpack(target, make_zip((info, b"")), ".zip").left_out
    assert tree(target) == set()


LIMITS = ArchiveLimits(max_bytes=50_000_000, max_entries=50, max_ratio=100, ratio_from=1_000_000)
ZEROS = bytes(20_000_000)


@pytest.mark.parametrize(
    ("extension", "make"),
    [
        (".zip", lambda: make_zip(("bomb", ZEROS))),
        (".tar.gz", lambda: make_tar((member("bomb"), ZEROS), mode="w:gz")),
        (".tar.bz2", lambda: make_tar((member("bomb"), ZEROS), mode="w:bz2")),
        (".tar.xz", lambda: make_tar((member("bomb"), ZEROS), mode="w:xz")),
    ],
)
def test_bombs_by_ratio(target: Path, extension: str, make: Callable[[], bytes]) -> None:
    with pytest.raises(UnsafeArchive, match="times its own size"):
        do_unpack(target, make(), extension, LIMITS)
    assert sum(path.stat().st_size for path in target.rglob("*")) < 15_000_000


def test_bombs_by_size_and_count(target: Path) -> None:
    noise = os.urandom(2000)
    small = ArchiveLimits(max_bytes=5000, max_entries=50)
    with pytest.raises(UnsafeArchive, match="5000 bytes"):
        do_unpack(target, make_zip(*((str(n), noise) for n in range(5))), ".zip", small)
    with pytest.raises(UnsafeArchive, match="50 entries"):
        do_unpack(target, make_zip(*((f"e{n}", b"") for n in range(60))), ".zip", LIMITS)
    data = make_tar(*((member(f"t{n}"), b"") for n in range(60)))
    with pytest.raises(UnsafeArchive, match="50 entries"):
        do_unpack(target, data, ".tar", LIMITS)


def test_hard_links_count_as_bytes(target: Path) -> None:
    members = [(member("a"), os.urandom(2000))]
    members += [(member(f"l{n}", tarfile.LNKTYPE, "a"), b"") for n in range(10)]
    with pytest.raises(UnsafeArchive, match="5000 bytes"):
        do_unpack(target, make_tar(*members), ".tar", ArchiveLimits(max_bytes=5000))


def test_huge_tar_headers_are_refused(target: Path) -> None:
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
        info = member("header", kind)
        info.size = 4 * 1024**3
        data = info.tobuf(tarfile.GNU_FORMAT) + bytes(10240)
        with pytest.raises(UnsafeArchive, match="header"):
            do_unpack(target, data, ".tar")


def test_xz_with_a_huge_dictionary_is_refused(target: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1024**2}]
    data = bytearray(lzma.compress(make_tar((member("a"), b"b")), filters=filters))
    header_size = (data[12] + 1) * 4
    at = data.index(bytes([0x21, 0x01]), 12)
    data[at + 2] = 39
    crc = zlib.crc32(data[12 : 12 + header_size - 4])
    data[12 + header_size - 4 : 12 + header_size] = struct.pack("<I", crc)
    with pytest.raises(UnsafeArchive):
        do_unpack(target, bytes(data), ".tar.xz")


def test_duplicates_and_contradictions(target: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = make_zip(("a", b"1"), ("a", b"2"))
    with pytest.raises(UnsafeArchive, match="twice"):
        do_unpack(target, twice, ".zip")
    for number, names in enumerate((("x", "x/y"), ("x/y", "x"))):
        fresh = target / str(number) / "target"
        fresh.mkdir(parents=True)
        with pytest.raises(UnsafeArchive, match="both a file and a folder"):
            do_unpack(fresh, make_zip(*((name, b"1") for name in names)), ".zip")
    again = make_tar((member("t"), b"old"), (member("t"), b"new"))
    do_unpack(target, again, ".tar")
    assert (target / "t").read_bytes() == b"new"


def test_case_collisions(target: Path) -> None:
    assert not folds_case(target)
    result = do_unpack(target, make_zip(("Web/a", b"1"), ("web/a", b"2")), ".zip")
    assert result.collisions == ["web/a"]
    names = Names(folds_case=True)
    names.take_file("Web/a", again=False)
    with pytest.raises(UnsafeArchive, match="same name here"):
        names.take_file("web/b", again=False)


@pytest.mark.parametrize("extension", [".zip", ".nupkg", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_broken_archives_are_refused(target: Path, extension: str) -> None:
    for data in (b"", b"garbage" * 1000):
        with pytest.raises(UnsafeArchive):
            do_unpack(target, data, extension)


@pytest.mark.parametrize(("extension", "mode"), TAR_KINDS[1:])
def test_cut_archives_are_refused(target: Path, extension: str, mode: str) -> None:
    data = make_tar((member("a"), os.urandom(500_000)), mode=mode)
    with pytest.raises(UnsafeArchive):
        do_unpack(target, data[: len(data) // 2], extension)


def test_damaged_zip_content_is_refused(target: Path) -> None:
    data = bytearray(make_zip(("a", os.urandom(5000))))
    data[2000] ^= 0xFF
    with pytest.raises(UnsafeArchive, match="damaged"):
        do_unpack(target, bytes(data), ".zip")


def test_encrypted_zip_is_refused(target: Path) -> None:
    data = bytearray(make_zip(("a", b"b")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(UnsafeArchive, match="encrypted"):
        do_unpack(target, bytes(data), ".zip")


def test_unknown_extension_is_refused(target: Path) -> None:
    with pytest.raises(UnsafeArchive, match=r"type \.rar"):
        do_unpack(target, b"", ".rar")


@pytest.mark.parametrize(
    ("name", "cleaned"), [("a/./b//c", "a/b/c"), ("./", ""), ("a\\b", "a/b"), ("...", "...")]
)
def test_clean_names(name: str, cleaned: str) -> None:
    assert clean_name(name, backslashes=True) == cleaned
