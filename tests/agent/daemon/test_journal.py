"""The journal survives torn tails at every byte, failed writes and its own rewriting."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contracts import limits
from agent.runtime.journal import Journal, JournalState
from agent.runtime.journal.file import JournalFile, decode_records, encode_record

ID = "01920000-0000-7000-8000-000000000001"
OTHER = "01920000-0000-7000-8000-000000000002"
PACKAGE = {"package_id": "Acme.Web", "sha256": "b" * 64}


def filled(folder: Path) -> Journal:
    journal = Journal(folder)
    journal.accepted(ID, "a" * 64, {"kind": "script"})
    journal.starting(ID, [PACKAGE])
    journal.finished(ID, {"id": ID, "started": True, "exit": 3})
    journal.cancelled(OTHER)
    return journal


def test_a_new_reader_sees_what_was_written(tmp_path: Path) -> None:
    filled(tmp_path).close()
    journal = Journal(tmp_path)
    entry = journal.get(ID)
    assert entry is not None
    assert (entry.phase, entry.hash) == ("finished", "a" * 64)
    assert entry.result == {"id": ID, "started": True, "exit": 3}
    assert entry.packages == [PACKAGE]
    assert [found.id for found in journal.entries() if found.is_tombstone] == [OTHER]
    assert journal.high == 4


def test_a_tail_torn_at_any_byte_loses_only_the_last_record(tmp_path: Path) -> None:
    filled(tmp_path / "whole").close()
    data = (tmp_path / "whole" / "log").read_bytes()
    ends = [0, *(end for _, end in decode_records(data))]
    for length in range(len(data)):
        folder = tmp_path / "torn"
        folder.mkdir(exist_ok=True)
        (folder / "log").write_bytes(data[:length])
        journal = Journal(folder)
        kept = max(index for index, end in enumerate(ends) if end <= length)
        assert journal.high == kept
        journal.cancelled("01920000-0000-7000-8000-0000000000ff")
        journal.close()
        assert Journal(folder).high == kept + 1


@given(st.integers(0, 2000), st.integers(1, 255))
@settings(max_examples=60)
def test_a_flipped_byte_never_gives_a_wrong_record(position: int, change: int) -> None:
    records = [{"t": "cancelled", "id": ID, "at": float(n), "pad": "x" * 20} for n in range(20)]
    data = bytearray(b"".join(map(encode_record, records)))
    data[position % len(data)] ^= change
    found = [record for record, _ in decode_records(bytes(data))]
    assert found == records[: len(found)]


def test_a_failed_write_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = filled(tmp_path)
    before = list(decode_records((tmp_path / "log").read_bytes()))
    assert len(before) == 4

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", full)
        with pytest.raises(OSError, match="space"):
            journal.accepted("01920000-0000-7000-8000-000000000003", "b" * 64, {})
    assert list(decode_records((tmp_path / "log").read_bytes())) == before
    assert journal.high == 4
    journal.released(ID)
    journal.close()
    assert Journal(tmp_path).high == 5


def test_a_full_disk_when_room_is_made_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path).close()
    journal = Journal(tmp_path)

    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="space"):
            journal.released(ID)
    journal.released(ID)
    journal.close()
    assert Journal(tmp_path).high == 5


def test_a_killed_daemon_leaves_zeros_that_are_no_records(tmp_path: Path) -> None:
    filled(tmp_path)
    assert (tmp_path / "log").stat().st_size > 64 * 1024
    journal = Journal(tmp_path)
    assert journal.high == 4
    journal.released(ID)
    assert Journal(tmp_path).high == 5


def test_rewriting_keeps_the_state_and_forgets_only_old_tombstones(tmp_path: Path) -> None:
    state = JournalState()
    for number in range(20):
        text = f"01920000-0000-7000-8000-{number:012d}"
        state.apply({"t": "accepted", "id": text, "hash": "a" * 64, "run": {}, "at": 1.0})
        if number < 15:
            state.apply({"t": "released", "id": text, "at": float(number)})
    state.forget(before=8.0, keep=5)
    left = {entry.at for entry in state.entries.values() if entry.is_tombstone}
    assert left == {8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0}
    file = JournalFile(tmp_path / "log")
    file.append({"t": "cancelled", "id": ID, "at": 1.0})
    file.rewrite(state.snapshot())
    file.append({"t": "cancelled", "id": ID, "at": 1.0})
    file.close()
    again = JournalState()
    for record in JournalFile(tmp_path / "log").records:
        again.apply(record)
    assert again.high == state.high + 1
    assert again.entries.items() >= state.entries.items()


def test_the_file_stays_bounded_over_many_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fdatasync", lambda _descriptor: None)
    monkeypatch.setattr(limits, "TOMBSTONES_KEPT", 10)
    journal = Journal(tmp_path)
    journal.tombstone_s = 0.0
    for number in range(5000):
        text = f"01920000-0000-7000-8000-{number:012d}"
        journal.accepted(text, "a" * 64, {"kind": "script"})
        journal.released(text)
    assert (tmp_path / "log").stat().st_size < 1_000_000
    assert journal.high == 10_000
    journal.close()
    assert Journal(tmp_path).high == 10_000


def test_an_unfinished_rewrite_is_ignored(tmp_path: Path) -> None:
    filled(tmp_path).close()
    (tmp_path / "log.new").write_bytes(b"half")
    assert Journal(tmp_path).high == 4
    assert not (tmp_path / "log.new").exists()
