"""The frame codec: whole frames, torn tails, offsets inside a frame, a full disk."""

import hashlib
import os
import random
import resource
import signal
from pathlib import Path

import pytest

from agent.contracts.spool import (
    HEADER,
    MAX_PAYLOAD,
    RECORD,
    STDERR,
    STDOUT,
    SpoolDamaged,
    SpoolReader,
    SpoolWriter,
    decode_frames,
    encode_frame,
)


def test_round_trip_keeps_streams_offsets_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "out.spool"
    writer = SpoolWriter(path)
    pieces = [(STDOUT, b"one\n"), (STDERR, b"two"), (RECORD, b"{}"), (STDOUT, b"\0\xff")]
    for stream, payload in pieces:
        writer.write(stream, payload)
    with SpoolReader(path) as reader:
        frames = list(reader)
    assert [(frame.stream, frame.payload) for frame in frames] == pieces
    assert [frame.offset for frame in frames] == [0, 4, 7, 9]
    assert writer.total == frames[-1].end == 11
    assert writer.sha256 == hashlib.sha256(b"".join(p for _, p in pieces)).hexdigest()


def test_large_payloads_are_split(tmp_path: Path) -> None:
    path = tmp_path / "out.spool"
    data = random.Random(1).randbytes(3 * MAX_PAYLOAD + 5)
    writer = SpoolWriter(path)
    writer.write(STDOUT, data)
    with SpoolReader(path) as reader:
        frames = list(reader)
    assert [len(frame.payload) for frame in frames] == [MAX_PAYLOAD] * 3 + [5]
    assert b"".join(frame.payload for frame in frames) == data


def test_reader_survives_every_torn_tail(tmp_path: Path) -> None:
    path = tmp_path / "out.spool"
    whole = encode_frame(STDOUT, 1, b"abc") + encode_frame(STDERR, 2, b"defg")
    with SpoolReader(path) as reader:
        assert reader.read() == []
        got = []
        for size in range(len(whole) + 1):
            path.write_bytes(whole[:size]) if not path.exists() else _append(path, whole, size)
            got += reader.read()
        assert [frame.payload for frame in got] == [b"abc", b"defg"]
        assert reader.read() == []


def _append(path: Path, whole: bytes, size: int) -> None:
    with path.open("ab") as file:
        file.write(whole[file.tell() : size])


@pytest.mark.parametrize("offset", range(9))
def test_reader_starts_at_any_offset(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "out.spool"
    writer = SpoolWriter(path)
    for piece in (b"abc", b"de", b"fgh"):
        writer.write(STDOUT, piece)
    with SpoolReader(path, offset) as reader:
        frames = list(reader)
    assert b"".join(frame.payload for frame in frames) == b"abcdefgh"[offset:]
    if frames:
        assert frames[0].offset == offset


def test_damage_is_told() -> None:
    with pytest.raises(SpoolDamaged):
        decode_frames(bytes(HEADER.size))
    with pytest.raises(SpoolDamaged):
        decode_frames(HEADER.pack(STDOUT, 1, MAX_PAYLOAD + 1))
    with pytest.raises(ValueError, match="payload"):
        encode_frame(STDOUT, 1, b"")


def test_failed_write_leaves_no_torn_frame(tmp_path: Path) -> None:
    path = tmp_path / "out.spool"
    writer = SpoolWriter(path)
    writer.write(STDOUT, b"kept")
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            writer.write(STDOUT, bytes(5000))
        except OSError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with SpoolReader(path) as reader:
        assert [frame.payload for frame in reader] == [b"kept"]
    assert path.stat().st_size == HEADER.size + 4
