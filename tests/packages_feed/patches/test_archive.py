"""Where the entries of an archive lie is read as others read it, whatever wrote the archive."""

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from packages_feed.patches import Archive, Unpatchable, entries
from tests.factories.archives import application, tar_bytes, zip_bytes


class Stream(io.RawIOBase):
    """A file that cannot go back: sizes stand after each entry, or in fields for large ones."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # any buffer
        self.written += piece
        return len(piece)


def streamed(*, large: bool) -> bytes:
    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in application(1).items():
            with archive.open(zipfile.ZipInfo(name + " \xfc"), "w", force_zip64=large) as entry:
                entry.write(content)
        archive.writestr("empty", b"")
        archive.comment = b"a comment"
    return bytes(stream.written)


def widened(content: bytes, place: int | None = None) -> bytes:
    """Let the last entry of the directory have its numbers in the field for large archives.

    It then lies at `place`, or where it did.
    """
    directory = content.rindex(b"PK\1\2")
    end = content.rindex(b"PK\5\6")
    line = bytearray(content[directory:end])
    length, size = struct.unpack_from("<2L", line, 20)
    (offset,) = struct.unpack_from("<L", line, 42)
    struct.pack_into("<2L", line, 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<L", line, 42, 0xFFFFFFFF)
    other = struct.pack("<2H4s", 0x7075, 4, b"abcd")
    extra = other + struct.pack("<2H3Q", 1, 24, size, length, offset if place is None else place)
    struct.pack_into("<H", line, 30, len(extra))
    tail = bytearray(content[end:])
    (listed,) = struct.unpack_from("<L", tail, 12)
    struct.pack_into("<L", tail, 12, listed + len(extra))
    return content[:directory] + bytes(line) + extra + bytes(tail)


PLAIN = zip_bytes(application(1))


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        zip_bytes(application(1), level=0),
        b"#!/bin/sh\n" * 30 + PLAIN,
        streamed(large=False),
        streamed(large=True),
        widened(PLAIN),
    ],
)
def test_entries_lie_where_others_find_them(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with zipfile.ZipFile(io.BytesIO(content)) as known:
        expected = [
            (known.read(info), info.compress_size, info.CRC)
            for info in sorted(known.infolist(), key=lambda info: info.header_offset)
            if info.compress_size
        ]
    with Archive(tmp_path / "a.zip", ".zip") as archive:
        found = [(archive.content(each), each.length, each.key >> 64) for each in archive.entries]
    assert found == expected


@pytest.mark.parametrize("place", [4, 20, 28, 42, 46])
def test_a_directory_that_lies_is_refused_or_names_bytes_of_the_archive(
    tmp_path: Path, place: int
) -> None:
    first = PLAIN.index(b"PK\1\2")
    for value in (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\1\0\0\0"):
        damaged = bytearray(PLAIN)
        damaged[first + place : first + place + 4] = value
        (tmp_path / "a.zip").write_bytes(damaged)
        try:
            with Archive(tmp_path / "a.zip", ".zip") as archive:
                assert all(0 < each.start < each.end <= len(PLAIN) for each in archive.entries)
        except Unpatchable:
            continue


@pytest.mark.parametrize("place", [2**31, 2**63, 2**64 - 1])
def test_an_entry_beyond_the_archive_is_refused(tmp_path: Path, place: int) -> None:
    (tmp_path / "a.zip").write_bytes(widened(PLAIN, place))
    with pytest.raises(Unpatchable, match="does not lie where the directory says"):
        Archive(tmp_path / "a.zip", ".zip")


def test_a_directory_is_read_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zip").write_bytes(PLAIN)
    monkeypatch.setattr(entries, "_LARGEST_DIRECTORY", 1000)
    with pytest.raises(Unpatchable, match="directory of the archive is too large"):
        Archive(tmp_path / "a.zip", ".zip")


def test_a_file_with_holes_ends_beyond_its_tar(tmp_path: Path) -> None:
    """The header of the last file says how large it is with its holes."""
    content = bytearray(tar_bytes({"a": b"first", "b": b"second"}))
    member = tarfile.TarInfo("b")
    member.type, member.size = tarfile.GNUTYPE_SPARSE, 6
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (0, 6)
    header[483:495] = b"%011o\0" % 1_000_000_000
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    place = content.index(b"b" + bytes(99))
    content[place : place + 512] = header
    (tmp_path / "a.tar").write_bytes(content)
    with tarfile.open(tmp_path / "a.tar") as known:
        assert known.getmember("b").size == 1_000_000_000
    with pytest.raises(Unpatchable, match="does not end in the archive"):
        Archive(tmp_path / "a.tar", ".tar")
