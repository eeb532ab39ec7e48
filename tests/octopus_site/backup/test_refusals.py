"""What a restore refuses before it changes anything, and what a backup says of a bad storage."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space
from octopus_site.backup import restoring
from octopus_site.backup.archive import new_archive
from octopus_site.backup.whole import Choices, restore_backup
from octopus_site.backup.writing import write_contents
from packages_feed.models import StoredBlob
from packages_feed.storage import FileStorage, package_storage
from tests.factories.domain import make_package
from tests.factories.people import make_ana

pytestmark = pytest.mark.django_db


def stored_file(sha256: str) -> Path:
    """Return where the tests' storage keeps a file."""
    storage = package_storage()
    assert isinstance(storage, FileStorage)
    return storage.folder / "packages" / sha256[:2] / sha256[2:4] / sha256


def make_backup(folder: Path) -> tuple[Path, str]:
    """Make a package and a backup with files; return the backup and the package's SHA-256."""
    make_package("Acme.Web", "1.0.0")
    return write(folder / "one.zip"), StoredBlob.objects.get().pk


def write(path: Path) -> Path:
    """Write a backup with files of what this test's transaction has."""
    with new_archive(path) as archive:
        write_contents(archive, connections["default"], with_files=True, clock=utc_now)
    return path


def flip_byte(path: Path, name: str) -> None:
    """Damage an entry of an archive as a bad disk does."""
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(name)
    content = bytearray(path.read_bytes())
    place = content.index(name.encode(), entry.header_offset) + len(name) + 20
    content[place + entry.compress_size // 2] ^= 0xFF
    path.write_bytes(content)


def test_the_database_of_another_program_is_kept() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE shop_invoice (id integer)")
    with pytest.raises(Invalid, match="a table shop_invoice, which is not of this server"):
        restoring.require_empty(connection, force=False)
    restoring.require_empty(connection, force=True)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE shop_invoice")
    restoring.require_empty(connection, force=False)


@pytest.mark.parametrize(
    "entry",
    [
        lambda _: "tables/base_serversetting.jsonl",
        lambda _: "files.jsonl",
        lambda sha256: f"files/{sha256}",
    ],
    ids=["rows", "list of files", "file"],
)
def test_a_damaged_backup_leaves_the_database_as_it_is(
    tmp_path: Path, entry: Callable[[str], str]
) -> None:
    path, sha256 = make_backup(tmp_path)
    stored_file(sha256).unlink()
    flip_byte(path, entry(sha256))
    make_ana()
    Space.objects.create(name="Precious", slug="precious")
    with pytest.raises(Invalid, match="is damaged"):
        restore_backup(path, Choices(force=True))
    assert Space.objects.filter(slug="precious").exists()


def test_a_storage_that_fails_is_named_and_leaves_all_as_it_is(tmp_path: Path) -> None:
    path, sha256 = make_backup(tmp_path)
    stored = stored_file(sha256)
    stored.unlink()
    stored.mkdir()  # nothing can be read from or written to this name, by anybody
    words = "the storage of packages, artifacts and logs failed: "
    with pytest.raises(Invalid, match=words):
        write(tmp_path / "two.zip")
    assert not (tmp_path / "two.zip").exists()
    with pytest.raises(Invalid, match=words):
        restore_backup(path, Choices(force=True))
    assert StoredBlob.objects.filter(pk=sha256).exists()
    stored.rmdir()


def with_manifest(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Write the archive anew with another manifest."""
    other = path.with_name("other.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for entry in old.namelist():
            content = old.read(entry)
            if entry == "manifest.json":
                said = json.loads(content)
                change(said)
                content = json.dumps(said).encode()
            new.writestr(entry, content)
    return other


def of_another_key(path: Path, sha256: str) -> Path:
    return with_manifest(path, lambda said: said.update(probe="AAAA"))


def of_a_later_version(path: Path, sha256: str) -> Path:
    later = ["base", "9999_later"]
    return with_manifest(path, lambda said: said["migrations"].append(later))


def of_another_format(path: Path, sha256: str) -> Path:
    return with_manifest(path, lambda said: said.update(format=2))


def cut_short(path: Path, sha256: str) -> Path:
    path.write_bytes(path.read_bytes()[:-40])
    return path


def with_a_damaged_row(path: Path, sha256: str) -> Path:
    flip_byte(path, "tables/base_serversetting.jsonl")
    return path


def with_a_damaged_file(path: Path, sha256: str) -> Path:
    flip_byte(path, f"files/{sha256}")
    return path


def without_a_file(path: Path, sha256: str) -> Path:
    return with_manifest(path, lambda said: said["missing"].append(sha256))


def into_a_full_database(path: Path, sha256: str) -> Path:
    make_ana()
    return path


@pytest.mark.parametrize(
    ("contradict", "cause", "remedy"),
    [
        (of_another_key, "made with another master key", "Set OCTOPUS_MASTER_KEY"),
        (of_a_later_version, "made by version .*migration base.9999_later", "Install that"),
        (of_another_format, "has the format 2; this server reads 1", ""),
        (cut_short, "is no .*backup", "Copy it again"),
        (with_a_damaged_row, "tables/base_serversetting.jsonl is not as it was", "Copy it again"),
        (with_a_damaged_file, "is damaged: files/", "Copy it again"),
        (without_a_file, "1 of 2 packages", "Copy them there, or say --without-missing-files"),
        (into_a_full_database, "not empty: it has users", "Name an empty one"),
    ],
)
def test_a_contradiction_is_told_before_anything_is_written(
    tmp_path: Path, contradict: Callable[[Path, str], Path], cause: str, remedy: str
) -> None:
    make_package("Acme.Web", "1.0.0")
    make_package("Acme.Api", "1.0.0")
    path = write(tmp_path / "one.zip")
    hashes = sorted(StoredBlob.objects.values_list("pk", flat=True))
    path = contradict(path, hashes[-1])  # the last one that is looked at
    for sha256 in hashes:
        stored_file(sha256).unlink()
    Space.objects.create(name="Precious", slug="precious")
    with pytest.raises(Invalid, match=rf"(?s){cause}.*{remedy}"):
        restore_backup(path, Choices())
    assert Space.objects.filter(slug="precious").exists()
    assert not any(stored_file(sha256).exists() for sha256 in hashes)
