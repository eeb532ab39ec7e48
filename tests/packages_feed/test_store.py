"""Pushing, replacing and deleting through the services."""

import hashlib
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from deployments.base.clock import utc_now
from deployments.base.errors import Conflict, Invalid, NotFound, NotPermitted
from deployments.base.models import Event
from packages_feed.models import PackageVersion, StoredBlob
from packages_feed.services import (
    Outcome,
    OverwriteMode,
    delete_version,
    set_listed,
    store,
    store_package,
    sweep_unused_blobs,
)
from packages_feed.services.adding import add_version
from packages_feed.services.store import AlreadyExists
from packages_feed.storage import FileStorage, StorageFailed
from tests.factories import default_space, give_role, make_ana, make_cleo, make_user
from tests.factories.packages import make_package, nupkg, zip_of
from tests.factories.people import SYSTEM, as_person
from tests.packages_feed.conftest import stored_files

pytestmark = pytest.mark.django_db

PUBLISHED = "PackagePublished"
COMMITS = pytest.mark.django_db(transaction=True)


def versions() -> list[PackageVersion]:
    return list(PackageVersion.objects.in_space(default_space()))


def test_a_nuget_package_is_named_by_its_manifest(storage: FileStorage) -> None:
    data = nupkg("Acme.Web", "1.02.0-Beta", title="Web", tags="a, b")
    stored = store_package(
        actor=SYSTEM, space=default_space(), file=io.BytesIO(data), file_name="package"
    )
    row = stored.version
    assert stored.outcome is Outcome.CREATED
    assert (row.package_id, row.version, row.extension) == ("Acme.Web", "1.02.0-Beta", ".nupkg")
    assert (row.title, row.tags, row.is_prerelease) == ("Web", "a b", True)
    assert row.sha1 == hashlib.sha1(data).hexdigest()
    assert row.sha512 == hashlib.sha512(data).hexdigest()
    assert row.blob_id == hashlib.sha256(data).hexdigest()
    assert b"".join(storage.open(row.blob_id)) == data
    assert [path.name for path in stored_files(storage)] == [row.blob_id]


@pytest.mark.parametrize(
    ("name", "package_id", "version", "extension"),
    [
        ("Acme.Web.1.2.3.zip", "Acme.Web", "1.2.3", ".zip"),
        ("acme-web.1.2-rc.1+sha.jar", "acme-web", "1.2-rc.1+sha", ".jar"),
        ("acme.1.0.WAR", "acme", "1.0", ".war"),
    ],
)
def test_other_archives_are_named_by_their_file(
    name: str, package_id: str, version: str, extension: str
) -> None:
    data = io.BytesIO(zip_of({"a": b"1"}))
    row = store_package(actor=SYSTEM, space=default_space(), file=data, file_name=name).version
    assert (row.package_id, row.version, row.extension) == (package_id, version, extension)


@pytest.mark.parametrize("again", ["1.0", "1.0.0.0", "01.0.0"])
def test_a_number_spelled_otherwise_is_the_same_version(again: str) -> None:
    make_package("Acme.Web", "1.0.0")
    with pytest.raises(Conflict, match="A package with the same name and version already exists"):
        make_package("acme.web", again)


def test_another_kind_of_file_is_the_same_version() -> None:
    make_package("Acme.Web", "1.0.0", extension=".nupkg")
    with pytest.raises(AlreadyExists):
        make_package("Acme.Web", "1.0.0", extension=".zip")


def test_builds_that_differ_in_metadata_are_two_packages() -> None:
    make_package("Acme.Web", "1.0.0+a")
    make_package("Acme.Web", "1.0.0+b")
    assert [row.version for row in versions()] == ["1.0.0+b", "1.0.0+a"]


def test_an_identical_second_push_says_so() -> None:
    make_package()
    with pytest.raises(AlreadyExists, match="identical content"):
        make_package()


def test_ignoring_keeps_the_first_bytes(storage: FileStorage) -> None:
    first = make_package(content=b"one")
    again = make_package(content=b"two", mode="IgnoreIfExists")
    assert again.blob_id == first.blob_id
    assert len(stored_files(storage)) == 1


@COMMITS
def test_replacing_changes_bytes_and_metadata_and_drops_the_old(storage: FileStorage) -> None:
    first = make_package(content=b"one", description="old")
    again = make_package(content=b"two", description="new", mode="OverwriteExisting")
    assert again.pk == first.pk
    assert again.blob_id != first.blob_id
    (row,) = versions()
    assert (row.description, row.blob_id) == ("new", again.blob_id)
    assert [path.name for path in stored_files(storage)] == [again.blob_id]
    event = Event.objects.filter(category="PackagePublished").first()
    assert event is not None
    assert event.message == "Package Acme.Web 1.0.0 was replaced"
    assert {change["property"] for change in event.changes} >= {"Hash"}


@COMMITS
def test_what_is_deleted_while_it_is_replaced_is_added_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = make_package("Acme.Web", "1.0.0")
    looks: list[object] = []

    def kept(*given: Any) -> store.Stored | None:
        looks.append(found := original(*given))
        if len(looks) == 2:  # before the transaction, and in it
            delete_version(actor=SYSTEM, version=first)
        return found

    original = store._kept
    monkeypatch.setattr(store, "_kept", kept)
    row = make_package("Acme.Web", "1.0.0", content=b"other", mode="OverwriteExisting")
    assert looks == [None, None]
    assert row.pk != first.pk
    assert PackageVersion.objects.in_space(row.space).get() == row
    newest = Event.objects.order_by("-pk").first()
    assert newest is not None
    assert newest.message == "Package Acme.Web 1.0.0 was pushed"


def test_what_is_gone_is_not_listed() -> None:
    row = make_package("Acme.Web", "1.0.0")
    delete_version(actor=SYSTEM, version=PackageVersion.objects.in_space(row.space).get())
    with pytest.raises(NotFound, match=r"Acme\.Web 1\.0\.0 is not in the feed any more"):
        set_listed(actor=SYSTEM, version=row, listed=False)


def test_pushing_needs_its_permission_and_replacing_more(storage: FileStorage) -> None:
    space = default_space()
    with pytest.raises(NotPermitted, match="BuiltInFeedPush"):
        make_package(actor=make_cleo(space).actor)
    assert stored_files(storage) == []
    publisher = make_user()
    give_role(publisher, "userroles-buildserver", space)
    actor = as_person(publisher).actor
    make_package(actor=make_ana().actor)
    make_package(actor=actor, version="2.0.0")


@COMMITS
def test_no_transaction_waits_for_a_package_to_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[bool] = []
    put = FileStorage.put

    def recorded(storage: FileStorage, source: Path, sha256: str) -> bool:
        is_new = put(storage, source, sha256)
        if is_new:
            waited.append(connection.in_atomic_block)
        return is_new

    monkeypatch.setattr(FileStorage, "put", recorded)
    make_package()
    assert waited == [False]


@COMMITS
def test_equal_bytes_are_stored_once_and_live_as_long_as_they_are_named(
    storage: FileStorage,
) -> None:
    data = zip_of({"a": b"1"})
    rows = [
        store_package(
            actor=SYSTEM, space=default_space(), file=io.BytesIO(data), file_name=name
        ).version
        for name in ("One.1.0.zip", "Two.1.0.zip")
    ]
    assert len(stored_files(storage)) == 1
    delete_version(actor=SYSTEM, version=rows[0])
    assert len(stored_files(storage)) == 1
    delete_version(actor=SYSTEM, version=rows[1])
    assert stored_files(storage) == []
    assert not StoredBlob.objects.exists()
    assert Event.objects.filter(category="Deleted").count() == 2


def nothing_is_left(storage: FileStorage) -> bool:
    rows = [*versions(), *StoredBlob.objects.all(), *Event.objects.filter(category=PUBLISHED)]
    return not rows and not stored_files(storage) and not list(storage.spool_folder.iterdir())


@COMMITS
def test_nothing_is_left_of_a_package_that_the_disk_does_not_take(storage: FileStorage) -> None:
    in_the_way = storage.spool_folder.with_name("packages")
    in_the_way.write_text("no folder")
    with pytest.raises(StorageFailed):
        make_package()
    in_the_way.unlink()
    assert sweep_unused_blobs(clock=lambda: utc_now() + timedelta(days=2)) == 1
    assert nothing_is_left(storage)
    make_package()
    assert len(stored_files(storage)) == len(versions()) == 1


@COMMITS
def test_nothing_is_left_of_a_package_whose_row_fails(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**what: object) -> bool:
        add_version(**what)  # type: ignore[arg-type]  # as they came
        raise RuntimeError

    monkeypatch.setattr("packages_feed.services.store.add_version", fails)
    with pytest.raises(RuntimeError):
        make_package()
    assert nothing_is_left(storage)


def test_unlisting_is_recorded_and_can_be_taken_back() -> None:
    row = make_package()
    set_listed(actor=SYSTEM, version=row, listed=False)
    set_listed(actor=SYSTEM, version=row, listed=False)
    assert [each.listed for each in versions()] == [False]
    set_listed(actor=SYSTEM, version=row, listed=True)
    assert Event.objects.filter(category="Modified").count() == 2


@COMMITS
def test_the_sweep_takes_only_what_nobody_names(storage: FileStorage) -> None:
    kept = make_package()
    old = datetime(2026, 1, 1, tzinfo=UTC)
    left = make_package("Left.Over")
    PackageVersion.objects.in_space(default_space()).filter(pk=left.pk).delete()
    StoredBlob.objects.update(stored=old)
    assert sweep_unused_blobs(clock=lambda: old + timedelta(hours=1)) == 0
    assert sweep_unused_blobs(clock=lambda: old + timedelta(days=2)) == 1
    assert [path.name for path in stored_files(storage)] == [kept.blob_id]


def test_overwrite_modes_have_many_spellings() -> None:
    assert OverwriteMode.parse("overwriteexisting") is OverwriteMode.OVERWRITE
    assert OverwriteMode.parse("true") is OverwriteMode.OVERWRITE
    assert OverwriteMode.parse("False") is OverwriteMode.FAIL
    assert OverwriteMode.parse("IgnoreIfExists") is OverwriteMode.IGNORE
    with pytest.raises(Invalid):
        OverwriteMode.parse("sometimes")
