"""Checking the storage, moving it and reading its packages anew."""

import hashlib
import io
import os
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from deployments.base.clock import utc_now
from deployments.base.models import Event
from packages_feed.models import PackageVersion, StoredBlob
from packages_feed.services import delete_version, store_package, sweep_unused_blobs
from packages_feed.services.blobs import take_away_damaged, take_away_orphan
from packages_feed.services.upkeep import (
    Copied,
    Problem,
    adopt_packages,
    check_files,
    copy_missing,
    reread_versions,
)
from packages_feed.storage import FileStorage, MovingStorage, storage_from_url
from packages_feed.storage.s3 import PART
from tests.factories import default_space, make_space
from tests.factories.packages import make_package, nupkg, zip_of
from tests.factories.people import SYSTEM
from tests.support.swift import S3Store, s3_client

pytestmark = pytest.mark.django_db(transaction=True)


def path_of(storage: FileStorage, sha256: str) -> Path:
    return storage.folder / "packages" / sha256[:2] / sha256[2:4] / sha256


def add_orphan(storage: FileStorage, data: bytes) -> str:
    """Store bytes without a row, long ago."""
    sha256 = hashlib.sha256(data).hexdigest()
    storage.put_stream(iter([data]), sha256, len(data))
    os.utime(path_of(storage, sha256), (0, 0))
    return sha256


def push_zip(package_id: str, data: bytes) -> PackageVersion:
    return store_package(
        actor=SYSTEM,
        space=default_space(),
        file=io.BytesIO(data),
        file_name=f"{package_id}.1.0.0.zip",
    ).version


def damage(storage: FileStorage, sha256: str) -> None:
    path = path_of(storage, sha256)
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def test_every_kind_of_damage_is_found_and_named(storage: FileStorage) -> None:
    whole, gone, bad, short = (
        make_package("Acme.Web", f"1.{n}.0", content=bytes([n])) for n in range(4)
    )
    unused = StoredBlob.objects.create(sha256="0" * 64, size=5, stored=whole.published)
    path_of(storage, gone.blob_id).unlink()
    damage(storage, bad.blob_id)
    path_of(storage, short.blob_id).write_bytes(b"short")
    orphan = add_orphan(storage, b"nobody's")
    found = {file.sha256: file for file in check_files(storage)}
    assert list(found) == sorted(found)
    assert {sha256: file.problem for sha256, file in found.items()} == {
        whole.blob_id: None,
        gone.blob_id: Problem.MISSING,
        bad.blob_id: Problem.DAMAGED,
        short.blob_id: Problem.DAMAGED,
        orphan: Problem.ORPHANED,
        unused.pk: None,
    }
    assert found[gone.blob_id].users == ("package version Acme.Web 1.1.0",)
    half = sorted(found)[2]
    assert [file.sha256 for file in check_files(storage, after=half)] == sorted(found)[3:]


def test_a_file_that_cannot_be_read_is_told_and_the_next_is_read(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fine = make_package("A", "1.0"), make_package("B", "1.0")
    really = FileStorage.open

    def opened(self: FileStorage, sha256: str, **part: int) -> object:
        if sha256 == broken.blob_id:
            raise OSError(5, "Input/output error")
        return really(self, sha256, **part)

    monkeypatch.setattr(FileStorage, "open", opened)
    found = {file.sha256: file.problem for file in check_files(storage)}
    assert found == {broken.blob_id: Problem.UNREADABLE, fine.blob_id: None}


def test_a_damaged_file_that_is_taken_away_comes_back_with_the_next_push(
    storage: FileStorage,
) -> None:
    row = make_package("Acme.Web", "1.0.0")
    damage(storage, row.blob_id)
    take_away_damaged(row.blob_id)
    make_package("Acme.Web", "1.0.0", mode="OverwriteExisting")
    assert [file.problem for file in check_files(storage)] == [None]


def test_a_file_whose_row_may_be_about_to_come_is_no_orphan(storage: FileStorage) -> None:
    orphan = add_orphan(storage, b"nobody's")
    os.utime(path_of(storage, orphan))
    assert [file.problem for file in check_files(storage)] == [None]
    later = utc_now() + timedelta(minutes=2)
    found = [file.problem for file in check_files(storage, clock=lambda: later)]
    assert found == [Problem.ORPHANED]


def test_orphans_are_taken_away_unless_somebody_has_pushed_them_meanwhile(
    storage: FileStorage,
) -> None:
    row = make_package("Acme.Web", "1.0.0")
    assert take_away_orphan(row.blob_id, row.size) is False
    assert storage.size(row.blob_id)
    orphan = add_orphan(storage, b"nobody's")
    assert take_away_orphan(orphan, 8) is True
    assert storage.size(orphan) is None
    assert [file.problem for file in check_files(storage)] == [None]


def test_moving_copies_what_is_missing_and_goes_on_where_it_was(
    storage: FileStorage, tmp_path: Path
) -> None:
    rows = [make_package("Acme.Web", f"1.{n}.0", content=bytes([n])) for n in range(5)]
    target = FileStorage(tmp_path / "new")
    begun = islice(copy_missing(storage, target), 2)
    assert [each.outcome for each in begun] == [Copied.COPIED] * 2
    damage(storage, max(row.blob_id for row in rows))
    outcomes = [each.outcome for each in copy_missing(storage, target)]
    assert outcomes == [Copied.PRESENT] * 2 + [Copied.COPIED] * 2 + [Copied.DAMAGED]
    assert len(list(target.files())) == 4
    path_of(storage, max(row.blob_id for row in rows)).unlink()
    assert [each.outcome for each in copy_missing(storage, target)][-1] is Copied.MISSING


def test_while_files_move_pushes_and_deletions_go_on(storage: FileStorage, tmp_path: Path) -> None:
    old = make_package("Acme.Web", "1.0.0")
    target = FileStorage(tmp_path / "new")
    list(copy_missing(storage, target))
    late = make_package("Acme.Web", "2.0.0", content=b"late")
    delete_version(actor=SYSTEM, version=old)
    moving = MovingStorage(target, storage)
    assert moving.size(late.blob_id) == late.size
    outcomes = {each.sha256: each.outcome for each in copy_missing(moving, target)}
    assert outcomes == {late.blob_id: Copied.COPIED}
    later = utc_now() + timedelta(minutes=2)
    assert [file.problem for file in check_files(target, clock=lambda: later)] == [
        None if file.sha256 == late.blob_id else Problem.ORPHANED for file in target.files()
    ]


def test_rows_are_corrected_by_what_the_files_say() -> None:
    row = make_package("Acme.Web", "1.0.0", title="Web", tags="blue")
    other = make_package("Acme.Db", "1.0.0", space=make_space())
    archive = make_package("Acme.Files", "1.0.0", extension=".zip")
    PackageVersion.objects.in_space(row.space).filter(pk=row.pk).update(
        title="wrong", metadata={}, search_text="", is_semver2=True
    )
    seen = {each.version.pk: each for each in reread_versions(actor=SYSTEM)}
    assert seen[row.pk].changed == ("is_semver2", "metadata", "search_text", "title")
    assert (seen[other.pk].changed, seen[archive.pk].problem) == ((), "")
    again = PackageVersion.objects.in_space(row.space).get(pk=row.pk)
    assert (again.title, again.search_text) == (row.title, row.search_text)
    assert again.metadata == row.metadata
    event = Event.objects.get(message="Package Acme.Web 1.0.0 was read anew from its file")
    assert "title" in str(event.changes)
    assert [each.changed for each in reread_versions(actor=SYSTEM, after=row.pk)] == [(), ()]


def test_files_that_say_something_else_are_told_and_left(storage: FileStorage) -> None:
    row, gone = make_package("Acme.Web", "1.0.0"), make_package("Acme.Db", "2.0.0")
    rows = PackageVersion.objects.in_space(row.space)
    rows.filter(pk=row.pk).update(package_id="Other", id_lower="other")
    path_of(storage, gone.blob_id).unlink()
    problems = {each.version.pk: each.problem for each in reread_versions(actor=SYSTEM)}
    assert problems == {
        row.pk: "its file says Acme.Web 1.0.0",
        gone.pk: "its file is missing in the storage",
    }
    assert rows.get(pk=row.pk).package_id == "Other"


def test_packages_that_no_space_has_are_adopted_without_news_of_a_push(
    storage: FileStorage,
) -> None:
    make_package("Acme.Web", "1.0.0")
    add_orphan(storage, nupkg("Acme.Lost", "3.0.0", title="Lost"))
    add_orphan(storage, nupkg("acme.web", "1.0", content=b"another"))
    add_orphan(storage, zip_of({"a": b"1"}))
    add_orphan(storage, b"text")
    pushed = Event.objects.filter(category="PackagePublished").count()
    found = list(adopt_packages(actor=SYSTEM, space=default_space(), storage=storage))
    assert [str(row) for row in found] == ["Acme.Lost 3.0.0"]
    row = PackageVersion.objects.in_space(default_space()).get(id_lower="acme.lost")
    assert (row.title, len(row.sha512)) == ("Lost", 128)
    assert Event.objects.filter(category="PackagePublished").count() == pushed
    sweep_unused_blobs()
    assert storage.size(row.blob_id) == row.size
    assert list(adopt_packages(actor=SYSTEM, space=default_space(), storage=storage)) == []


def test_a_folder_moves_into_a_bucket_and_back(
    storage: FileStorage, swift: S3Store, tmp_path: Path
) -> None:
    rows = [make_package("Acme.Web", f"1.{n}.0", content=os.urandom(3000)) for n in range(3)]
    large = zip_of({"a.bin": os.urandom(PART + 1_000_000)})
    rows.append(push_zip("Acme.Large", large))
    bucket = storage_from_url(
        f"s3://{swift.bucket}/{tmp_path.name}?endpoint={swift.endpoint}",
        spool_folder=tmp_path / "spool",
        access_key=swift.key,
        secret_key=swift.secret,
    )
    assert {each.outcome for each in copy_missing(storage, bucket)} == {Copied.COPIED}
    assert [file.problem for file in check_files(bucket)] == [None] * 4
    assert list((tmp_path / "spool").glob("*")) == []
    damaged, gone = rows[0].blob_id, rows[1].blob_id
    key = f"{tmp_path.name}/packages/{damaged[:2]}/{damaged[2:4]}/{damaged}"
    s3_client(swift).put_object(Bucket=swift.bucket, Key=key, Body=b"X" * rows[0].size)
    bucket.delete(gone)
    problems = {file.sha256: file.problem for file in check_files(bucket) if file.problem}
    assert problems == {damaged: Problem.DAMAGED, gone: Problem.MISSING}
    back = FileStorage(tmp_path / "back")
    outcomes = {each.sha256: each.outcome for each in copy_missing(bucket, back)}
    assert outcomes == {
        **{row.blob_id: Copied.COPIED for row in rows},
        damaged: Copied.DAMAGED,
        gone: Copied.MISSING,
    }
    assert {file.sha256 for file in back.files()} == {row.blob_id for row in rows[2:]}
