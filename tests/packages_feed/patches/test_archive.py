"""Where the entries of an archive lie is read as others read it, whatever wrote the archive."""

import io
import struct
import zipfile
from pathlib import Path

import pytest

from packages_feed.patches import Archive, Unpatchable
from tests.factories.archives import application, zip_bytes


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


def widened(content: bytes) -> bytes:
    """Let the last entry of the directory have its numbers in the field for large archives."""
    directory = content.rindex(b"PK\1\2")
    end = content.rindex(b"PK\5\6")
    line = bytearray(content[directory:end])
    length, size = struct.unpack_from("<2L", line, 20)
    (offset,) = struct.unpack_from("<L", line, 42)
    struct.pack_into("<2L", line, 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<L", line, 42, 0xFFFFFFFF)
    other = struct.pack("<2H4s", 0x7075, 4, b"abcd")
    extra = other + struct.pack("<2H3Q", 1, 24, size, length, offset)
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
