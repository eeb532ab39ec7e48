"""What a restore refuses before it changes anything, and what a backup says of a bad storage."""

import zipfile
from collections.abc import Callable
from pathlib import Path

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
