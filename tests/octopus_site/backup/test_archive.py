"""The file of a backup: written whole or not at all, and no damage goes unnoticed."""

import hashlib
import zipfile
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError

from deployments.base.errors import Invalid
from octopus_site.backup.archive import Manifest, Table, new_archive, opened_archive

CONTENT = b"the bytes of a package" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ROWS: list[list[Any]] = [[1, "one", None], [2, "zwei ü \ud83d", {"a": [1.5, True]}]]


def write(path: Path, **changes: Any) -> Path:
    """Write a small backup."""
    with new_archive(path) as archive:
        rows = archive.table("things", iter(ROWS))
        files = archive.files(iter([(SHA256, len(CONTENT))]))
        archive.file(SHA256, [CONTENT])
        said: dict[str, Any] = {
            "version": "1.2.3",
            "created": "2026-03-01T10:00:00+00:00",
            "database": "sqlite",
            "installation_id": "here",
            "probe": "sealed",
            "migrations": [["base", "0001_initial"]],
            "tables": {"things": Table(["id", "name", "value"], rows, 7)},
            "files": files,
            "has_files": True,
        }
        archive.manifest(Manifest(**{**said, **changes}))
    return path


def changed(path: Path, name: str, content: bytes | None) -> Path:
    """Write the archive anew with other content in one entry, or without it."""
    other = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
            elif content is not None:
                new.writestr(entry, content)
    return other


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "one.zip")
    with opened_archive(path) as archive:
        assert archive.manifest.version == "1.2.3"
        assert archive.manifest.row_count == 2
        assert archive.manifest.tables["things"].last_number == 7
        assert list(archive.table("things")) == ROWS
        assert list(archive.files()) == [(SHA256, len(CONTENT))]
        assert archive.has_file(SHA256)
        assert b"".join(archive.file(SHA256)) == CONTENT
        assert not archive.has_file("0" * 64)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    assert write(tmp_path / "one.zip").stat().st_mode & 0o777 == 0o600


def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "one.zip"
    path.write_text("precious")
    with pytest.raises(Invalid, match="exists already"):
        write(path)
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (DatabaseError("went away"), DatabaseError),
        (OSError(ENOSPC, "No space left"), Invalid),
    ],
)
def test_nothing_is_left_of_a_backup_that_failed(
    tmp_path: Path, error: Exception, raised: type[Exception]
) -> None:
    def rows() -> Any:
        yield [1]
        raise error

    words = "went away|one.zip cannot be written: No space left"
    with pytest.raises(raised, match=words), new_archive(tmp_path / "one.zip") as archive:
        archive.table("things", rows())
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_were_altered_are_noticed_and_not_given(tmp_path: Path) -> None:
    with new_archive(tmp_path / "other.zip") as archive:
        assert archive.file(SHA256, [CONTENT[:100], CONTENT[100:]]) is True
        assert archive.file("0" * 64, [CONTENT]) is False
    with opened_archive(write(tmp_path / "one.zip", missing=[SHA256])) as archive:
        assert not archive.has_file(SHA256)


@pytest.mark.parametrize(
    "content",
    [b"", b'[1,"one",null]\n', b'[1,"one",null]\n[2,"two",null]\n', b"no json\n", None],
    ids=["empty", "a row short", "another row", "no JSON", "gone"],
)
def test_a_table_that_is_not_as_written_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = changed(write(tmp_path / "one.zip"), "tables/things.jsonl", content)
    with opened_archive(path) as archive, pytest.raises(Invalid, match="is damaged"):
        list(archive.table("things"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no backup"),
        (b"{}", "no backup"),
        (b"[]", "no backup"),
        (b'{"format": 2}', "has the format 2; this server reads 1"),
    ],
)
def test_a_manifest_of_something_else_is_refused(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = changed(write(tmp_path / "one.zip"), "manifest.json", content)
    with pytest.raises(Invalid, match=words), opened_archive(path):
        pass


def read_whole(path: Path) -> None:
    with opened_archive(path) as backup:
        list(backup.table("things"))
        list(backup.file(SHA256))


@pytest.mark.parametrize("name", ["tables/things.jsonl", f"files/{SHA256}", "manifest.json"])
def test_a_flipped_byte_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "one.zip")
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(name)
    content = bytearray(path.read_bytes())
    content[content.index(name.encode(), entry.header_offset) + len(name) + 20] ^= 0xFF
    path.write_bytes(content)
    words = "no backup" if name == "manifest.json" else "is damaged"
    with pytest.raises(Invalid, match=words):
        read_whole(path)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "one.zip")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Invalid, match="no complete backup"), opened_archive(path):
        pass


def test_a_path_without_a_file_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(Invalid, match="cannot be read: No such file"),
        opened_archive(tmp_path / "no.zip"),
    ):
        pass
