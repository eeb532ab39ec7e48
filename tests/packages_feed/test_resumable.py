"""Uploads in pieces that go on after a broken line."""

import hashlib
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from deployments.base.clock import utc_now
from deployments.base.errors import Conflict, Invalid, NotFound
from deployments.base.settings_rows import set_setting
from packages_feed.models import PackageVersion, StoredBlob
from packages_feed.queries import find_version
from packages_feed.services import sweep_uploads
from packages_feed.services.resumable import (
    WrongPlace,
    begin_upload,
    find_upload,
    receive_piece,
    received,
)
from packages_feed.storage import FileStorage
from tests.factories import default_space, make_ana, make_ben, make_space, make_user
from tests.factories.packages import make_package, nupkg, zip_of
from tests.factories.people import SYSTEM, as_person
from tests.packages_feed.conftest import stored_files

pytestmark = pytest.mark.django_db

DATA = zip_of({"a.bin": os.urandom(50_000)})
START = "/api/Spaces-1/packages/uploads"


@pytest.fixture
def ana() -> Client:
    return make_ana().api


def begin(client: Client, name: str = "Acme.Web.1.0.0.zip", data: bytes = DATA, **more: Any) -> Any:
    body = {"Name": name, "Size": len(data), **more}
    return client.post(START, body, content_type="application/json")


def send(client: Client, upload: Any, data: bytes, start: int, end: int) -> Any:
    piece = data[start:end]
    return client.put(
        upload["Links"]["Self"],
        piece,
        content_type="application/octet-stream",
        headers={"Content-Range": f"bytes {start}-{start + len(piece) - 1}/{len(data)}"},
    )


def told(answer: Any) -> str:
    body = answer.json()
    return " ".join([body["ErrorMessage"], *body.get("Errors", ())])


def test_pieces_become_a_package(ana: Client, storage: FileStorage) -> None:
    upload = begin(ana, Sha256=hashlib.sha256(DATA).hexdigest()).json()
    assert (upload["Received"], upload["Size"]) == (0, len(DATA))
    assert send(ana, upload, DATA, 0, 20_000).json()["Received"] == 20_000
    assert ana.get(upload["Links"]["Self"]).json()["Received"] == 20_000
    early = ana.post(upload["Links"]["Complete"])
    assert early.status_code == 409
    assert "20000 of" in told(early)
    assert send(ana, upload, DATA, 20_000, len(DATA)).status_code == 200
    done = ana.post(upload["Links"]["Complete"])
    assert (done.status_code, done.json()["Id"]) == (201, "packages-Acme.Web.1.0.0")
    row = find_version(default_space(), "Acme.Web", "1.0.0")
    assert row
    assert b"".join(storage.open(row.blob_id)) == DATA
    assert row.sha512 == hashlib.sha512(DATA).hexdigest()
    # The answer got lost and the client asks again.
    assert ana.post(upload["Links"]["Complete"]).json()["Id"] == done.json()["Id"]
    assert [path.name for path in stored_files(storage) if "pieces" in path.name] == []


def test_an_ambiguous_name_is_refused_before_a_byte_comes(ana: Client) -> None:
    refused = begin(ana, "acme-web-1.2.zip")
    assert (refused.status_code, refused.json()["Version"]) == (400, "2")
    assert "If that is not meant" in told(refused)
    half = begin(ana, "acme-web-1.2.zip", Version="2")
    assert (half.status_code, "go together" in told(half)) == (400, True)
    upload = begin(ana, "acme-web-1.2.zip", PackageId="acme-web-1", Version="2").json()
    assert send(ana, upload, DATA, 0, len(DATA)).status_code == 200
    done = ana.post(upload["Links"]["Complete"])
    assert (done.status_code, done.json()["Id"]) == (201, "packages-acme-web-1.2")


def test_a_piece_at_the_wrong_place_says_where_to_go_on(ana: Client) -> None:
    upload = begin(ana).json()
    send(ana, upload, DATA, 0, 1000)
    for start in (0, 500, 2000):
        answer = send(ana, upload, DATA, start, start + 700)
        assert (answer.status_code, answer.json()["Received"]) == (409, 1000)
    assert send(ana, upload, DATA, 1000, 1700).json()["Received"] == 1700


def test_what_came_before_the_line_broke_stays() -> None:
    upload = begin_upload(actor=SYSTEM, space=default_space(), name="A.1.0.zip", size=10)

    def breaks() -> Iterator[bytes]:
        yield b"0123"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        receive_piece(upload, start=0, pieces=breaks())
    assert received(upload) == 4
    assert receive_piece(upload, start=4, pieces=[b"456", b"789"]) == 10
    with pytest.raises(Invalid, match="More bytes came"):
        receive_piece(upload, start=10, pieces=[b"!"])
    assert received(upload) == 10


def test_two_pieces_at_once_are_not_mixed() -> None:
    upload = begin_upload(actor=SYSTEM, space=default_space(), name="A.1.0.zip", size=10)
    inside, leave = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"0123"
        inside.set()
        assert leave.wait(20)
        yield b"45"

    first = threading.Thread(
        target=receive_piece, args=(upload,), kwargs={"start": 0, "pieces": slowly()}
    )
    first.start()
    assert inside.wait(20)
    with pytest.raises(Conflict, match="just being received"):
        receive_piece(upload, start=4, pieces=[b"xx"])
    leave.set()
    first.join()
    with pytest.raises(WrongPlace):
        receive_piece(upload, start=4, pieces=[b"xx"])
    assert received(upload) == 6


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"Name": "Acme.zip", "Size": 5}, 400, "version"),
        ({"Name": "Acme.1.0.exe", "Size": 5}, 400, "extension"),
        ({"Name": "", "Size": 5}, 400, "name"),
        ({"Name": f"{'a' * 300}.nupkg", "Size": 5}, 400, "at most 255"),
        ({"Name": "Acme.1.0.zip", "Size": 0}, 400, "empty"),
        ({"Name": "Acme.1.0.zip", "Size": -1}, 400, "Size must be"),
        ({"Name": "Acme.1.0.zip", "Size": "5"}, 400, "Size must be"),
        ({"Name": "Acme.1.0.zip", "Size": True}, 400, "Size must be"),
        ({"Name": ["a"], "Size": 5}, 400, "Name must be a text"),
        ({"Name": "Acme.1.0.zip", "Size": 5, "OverwriteMode": "maybe"}, 400, "overwrite mode"),
        ({"Name": "Acme.1.0.zip", "Size": 5, "Sha256": "abc"}, 400, "64 lower-case hex"),
        ({"Name": "Acme.1.0.zip", "Size": 1001}, 413, "larger than 1000 bytes"),
        ({"Name": "Acme.Web.1.0.0.zip", "Size": 5}, 409, "already exists"),
        ([], 400, "Size must be"),
    ],
)
def test_what_can_be_refused_before_the_first_byte_is(
    ana: Client, body: Any, status: int, reason: str, storage: FileStorage
) -> None:
    make_package("Acme.Web", "1.0.0", content=b"")
    set_setting("packages.limits", {"package": 1000})
    answer = ana.post(START, body, content_type="application/json")
    assert (answer.status_code, reason in told(answer)) == (status, True), told(answer)
    assert len(stored_files(storage)) == 1


@pytest.mark.parametrize(
    ("name", "data", "more", "status", "reason"),
    [
        ("Acme.1.0.zip", b"no zip at all", {}, 400, "not a zip"),
        ("Acme.1.0.nupkg", zip_of({"a": b"1"}), {}, 400, "no .nuspec"),
        ("Acme.1.0.zip", DATA, {"Sha256": "0" * 64}, 400, "another SHA-256"),
        ("any.nupkg", nupkg("Acme.Web", "1.0.0"), {}, 409, "already exists"),
    ],
)
def test_of_a_refused_file_nothing_stays(
    ana: Client,
    storage: FileStorage,
    name: str,
    data: bytes,
    more: dict[str, str],
    status: int,
    reason: str,
) -> None:
    make_package("Acme.Web", "1.0.0")
    upload = begin(ana, name, data, **more).json()
    send(ana, upload, data, 0, len(data))
    answer = ana.post(upload["Links"]["Complete"])
    assert (answer.status_code, reason in told(answer)) == (status, True), told(answer)
    assert len(stored_files(storage)) == 1
    assert PackageVersion.objects.in_space(default_space()).count() == 1
    assert StoredBlob.objects.count() == 1
    assert ana.post(upload["Links"]["Complete"]).status_code == 409


@pytest.mark.parametrize("sent", ["", "bytes 0-9", "bytes 0-9/10", "bytes 9-0/50", "items 0-9/50"])
def test_a_piece_must_say_what_it_is(ana: Client, sent: str) -> None:
    upload = begin(ana).json()
    answer = ana.put(
        upload["Links"]["Self"], b"0123456789", "text/plain", headers={"Content-Range": sent}
    )
    assert answer.status_code == 400
    assert "Content-Range must be" in told(answer)


def test_an_upload_belongs_to_who_began_it(ana: Client) -> None:
    upload = begin(ana).json()
    space, other = default_space(), as_person(make_user())
    with pytest.raises(NotFound):
        find_upload(other.actor, space, upload["Id"])
    with pytest.raises(NotFound):
        find_upload(SYSTEM, make_space(), upload["Id"])
    assert make_ben(space).api.get(upload["Links"]["Self"]).status_code == 403
    assert ana.get(f"{START}/{upload['Id'][:-1]}x").status_code == 404
    assert ana.get(f"{START}/nonsense").status_code == 404
    assert Client().get(upload["Links"]["Self"]).status_code == 401


def test_an_upload_is_given_up(ana: Client, storage: FileStorage) -> None:
    upload = begin(ana).json()
    send(ana, upload, DATA, 0, 1000)
    assert ana.delete(upload["Links"]["Self"]).status_code == 200
    assert stored_files(storage) == []
    assert ana.get(upload["Links"]["Self"]).json()["Received"] == 0


def test_one_that_nobody_goes_on_with_is_swept_after_a_day(
    ana: Client, storage: FileStorage
) -> None:
    upload = begin(ana).json()
    send(ana, upload, DATA, 0, 1000)
    assert sweep_uploads() == 0
    assert sweep_uploads(clock=lambda: utc_now() + timedelta(hours=25)) == 1
    assert stored_files(storage) == []
    assert Path(storage.spool_folder).is_dir()
