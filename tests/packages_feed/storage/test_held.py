"""Small pushes, which are held in memory and written beside their rows."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Event
from packages_feed.ingest import Spool
from packages_feed.models import PackageVersion, StoredBlob
from packages_feed.queries import find_exact
from packages_feed.services import (
    Outcome,
    Stored,
    blobs,
    delete_version,
    store,
    store_package,
    sweep_uploads,
)
from packages_feed.services.adding import add_version
from packages_feed.services.store import AlreadyExists
from packages_feed.storage import MOST_CONTENT, FileStorage, writer
from tests.factories import default_space, make_ana
from tests.factories.packages import nupkg
from tests.factories.people import SYSTEM
from tests.packages_feed.conftest import stored_files

pytestmark = pytest.mark.django_db(transaction=True)

DATA = nupkg("Acme.Web", "1.0.0")
OTHER = nupkg("Acme.Web", "1.0.0", content=b"other")


@pytest.fixture(params=["beside", "by hand"], autouse=True)
def _written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Push with a process that writes, and without."""
    started = writer.Writer() if request.param == "beside" else None
    monkeypatch.setattr(writer, "_writer", started)
    yield
    if started:
        started.close()


def push(storage: FileStorage, data: bytes = DATA, mode: str = "") -> Stored:
    with Spool(storage.spool_folder, limit=10**6) as spool:
        return store_package(
            actor=SYSTEM,
            space=default_space(),
            file=spool.hold(data),
            file_name="package",
            overwrite_mode=mode,
        )


def versions() -> list[PackageVersion]:
    return list(PackageVersion.objects.in_space(default_space()))


def only(storage: FileStorage, data: bytes) -> None:
    """See that the feed has one version, with these bytes, and nothing besides."""
    (row,) = versions()
    assert [path.name for path in stored_files(storage)] == [row.blob_id]
    assert b"".join(storage.open(row.blob_id)) == data
    assert [blob.pk for blob in StoredBlob.objects.all()] == [row.blob_id]


def nothing(storage: FileStorage) -> None:
    rows = [*versions(), *StoredBlob.objects.all()]
    assert (rows, stored_files(storage)) == ([], [])
    assert not Event.objects.filter(category="PackagePublished").exists()


def test_a_version_and_its_bytes_are_all_that_stays(storage: FileStorage) -> None:
    assert push(storage).outcome is Outcome.CREATED
    only(storage, DATA)


@pytest.mark.parametrize(
    ("mode", "pushed", "outcome", "kept"),
    [
        ("IgnoreIfExists", DATA, Outcome.IGNORED, DATA),
        ("IgnoreIfExists", OTHER, Outcome.IGNORED, DATA),
        ("OverwriteExisting", DATA, Outcome.REPLACED, DATA),
        ("OverwriteExisting", OTHER, Outcome.REPLACED, OTHER),
    ],
    ids=["ignored, same", "ignored, other", "replaced, same", "replaced, other"],
)
def test_a_version_that_is_there_is_kept_or_replaced(
    storage: FileStorage, mode: str, pushed: bytes, outcome: Outcome, kept: bytes
) -> None:
    push(storage)
    assert push(storage, pushed, mode).outcome is outcome
    only(storage, kept)


@pytest.mark.parametrize("pushed", [DATA, OTHER], ids=["same", "other"])
def test_of_a_version_that_may_not_be_pushed_again_nothing_stays(
    storage: FileStorage, pushed: bytes
) -> None:
    push(storage)
    with pytest.raises(AlreadyExists):
        push(storage, pushed)
    only(storage, DATA)


@pytest.mark.parametrize("mode", ["IgnoreIfExists", "OverwriteExisting", "FailIfExists"])
def test_a_version_that_comes_and_goes_meanwhile(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """It is there when its row is wanted, gone when it is looked for, and there again."""
    push(storage)
    looks = 0

    def comes_and_goes(*what: Any) -> PackageVersion | None:
        nonlocal looks
        looks += 1
        if looks == (2 if mode == "IgnoreIfExists" else 1):
            (version,) = versions()
            delete_version(actor=SYSTEM, version=version)
            found = find_exact(*what)
            patches.undo()
            push(storage)
            return found
        return None if looks == 1 else find_exact(*what)

    with monkeypatch.context() as patches:
        patches.setattr(store, "find_exact", comes_and_goes)
        with suppress(AlreadyExists):
            push(storage, OTHER, mode)
    only(storage, OTHER if mode == "OverwriteExisting" else DATA)


@pytest.mark.postgres
def test_of_a_push_that_loses_its_connection_nothing_stays(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(storage)

    def lose(version: PackageVersion) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patches:
        patches.setattr(store, "_existing", lose)
        with pytest.raises(OperationalError):
            push(storage, OTHER)
    only(storage, DATA)


def test_of_what_is_no_package_nothing_stays(storage: FileStorage) -> None:
    for data in (b"no archive", DATA[:-30], nupkg("Acme Web", "1.0.0")):
        with pytest.raises(Invalid):
            push(storage, data)
    push(storage)  # whoever writes has dealt with those before
    only(storage, DATA)


def fails(**what: Any) -> bool:
    add_version(**what)
    raise RuntimeError("after its rows")


def test_when_its_rows_fail_nothing_stays(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "add_version", fails)
    with pytest.raises(RuntimeError):
        push(storage)
    nothing(storage)


def test_what_cannot_be_taken_back_is_swept_a_day_later(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away, and the process can do no more than leave a name for the sweep."""

    def away(*_: object, **__: object) -> None:
        raise OperationalError("the database is away")

    def fails_for_good(**what: Any) -> bool:
        add_version(**what)
        connection.close()
        patches.setattr(type(connections["default"]), "connect", away)
        raise OperationalError("the connection was lost")

    with monkeypatch.context() as patches:
        patches.setattr(store, "add_version", fails_for_good)
        with pytest.raises(OperationalError):
            push(storage)
    assert [path.suffix for path in storage.spool_folder.iterdir()] == [".left"]
    sweep_uploads()
    assert stored_files(storage)
    sweep_uploads(clock=lambda: utc_now() + timedelta(hours=25))
    nothing(storage)


@pytest.mark.parametrize("is_named", [False, True])
def test_what_a_process_that_died_has_placed_is_swept_unless_it_is_named(
    storage: FileStorage, *, is_named: bool
) -> None:
    if is_named:
        push(storage)
    with Spool(storage.spool_folder, limit=10**6) as spool:
        upload = spool.hold(DATA)
        upload.write_held()
        storage.put(upload.path, upload.sha256)
        left = upload.path.with_name("upload-of-the-dead")
        placed = storage.local_path(upload.sha256)
        assert placed is not None
        left.hardlink_to(placed)
    assert sweep_uploads() == 0
    assert sweep_uploads(clock=lambda: utc_now() + timedelta(hours=25)) == 1
    if is_named:
        only(storage, DATA)
    else:
        nothing(storage)


def test_bytes_that_a_deletion_takes_before_the_row_is_locked_come_again(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def deleted(**what: Any) -> bool:
        storage.delete(what["upload"].sha256)
        return add_version(**what)

    path = tmp_path / "file"
    path.write_bytes(DATA)
    assert storage.put(path, blobs.hashed(path).sha256)
    monkeypatch.setattr(store, "add_version", deleted)
    push(storage)
    only(storage, DATA)


@pytest.mark.parametrize("size", [0, MOST_CONTENT], ids=["small", "large"])
@pytest.mark.parametrize("send", ["form", "body"])
def test_it_comes_by_http_in_every_form(storage: FileStorage, size: int, send: str) -> None:
    data = nupkg("Acme.Web", "1.0.0", content=os.urandom(size))
    SENDERS[send](make_ana().api, data)
    only(storage, data)


def _form(client: Client, data: bytes) -> None:
    head = b"--the-boundary\r\nContent-Disposition: form-data; name=package; filename=package.nupkg"
    body = head + b"\r\n\r\n" + data + b"\r\n--the-boundary--\r\n"
    kind = "multipart/form-data; boundary=the-boundary"
    answer = client.put("/nuget/packages", body, content_type=kind)
    assert answer.status_code == 201, answer.content


def _body(client: Client, data: bytes) -> None:
    path = "/api/packages/raw?fileName=Acme.Web.1.0.0.nupkg"
    answer = client.post(path, data, content_type="application/octet-stream")
    assert answer.status_code == 201, answer.content


SENDERS: dict[str, Callable[[Client, bytes], None]] = {"form": _form, "body": _body}


def test_a_refused_push_asks_the_database_little(storage: FileStorage) -> None:
    push(storage)
    with CaptureQueriesContext(connection) as same, pytest.raises(AlreadyExists):
        push(storage)
    with CaptureQueriesContext(connection) as other, pytest.raises(AlreadyExists):
        push(storage, OTHER)
    with CaptureQueriesContext(connection) as broken, pytest.raises(Invalid):
        push(storage, DATA[:-30])
    with CaptureQueriesContext(connection) as ignored:
        push(storage, DATA, "IgnoreIfExists")
    queries = [len(each) for each in (same, other, broken, ignored)]
    assert all(count <= most for count, most in zip(queries, (7, 12, 7, 5), strict=True)), queries
