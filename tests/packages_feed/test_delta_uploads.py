"""Uploads of what is new against the version before, as Octopus's clients make them."""

import base64
import hashlib
import io
import random
import struct
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from deployments.base.errors import Invalid
from packages_feed.models import PackageVersion
from packages_feed.octodiff import apply_delta, rolling_checksum, signature_of
from packages_feed.queries import find_version
from packages_feed.services import delta_uploads
from packages_feed.storage import FileStorage
from tests.factories import default_space, make_ana, make_ben, make_cleo
from tests.factories.packages import make_package, zip_of
from tests.packages_feed.conftest import stored_files

START = b"OCTODELTA\x01\x04SHA1\x14\0\0\0"
noise = random.Random(7).randbytes


def of_chunk(place: int, length: int) -> bytes:
    return b"\x60" + struct.pack("<qq", place, length)


def of_data(data: bytes) -> bytes:
    return b"\x80" + struct.pack("<q", len(data)) + data


def delta_of(new: bytes, *commands: bytes) -> bytes:
    return START + hashlib.sha1(new).digest() + b">>>" + b"".join(commands)


def chunks_of(signature: bytes) -> dict[tuple[int, int, bytes], int]:
    """Read a signature: the places of the chunks by length, checksum and hash."""
    start = b"OCTOSIG\x01\x04SHA1\x07Adler32>>>"
    assert signature.startswith(start)
    found, place = {}, 0
    for length, checksum, digest in struct.iter_unpack("<HI20s", signature[len(start) :]):
        found[length, checksum, digest] = place
        place += length
    return found


def make_delta(signature: bytes, new: bytes) -> bytes:
    """Find the chunks of the signature in the new file, as clients do."""
    known = chunks_of(signature)
    checksums = {checksum for length, checksum, _ in known if length == 2048}
    commands, place, sent = [], 0, 0
    while place + 2048 <= len(new):
        window = new[place : place + 2048]
        checksum = rolling_checksum(window)
        found = known.get((2048, checksum, hashlib.sha1(window).digest()))
        if checksum in checksums and found is not None:
            commands += [of_data(new[sent:place])] if sent < place else []
            commands.append(of_chunk(found, 2048))
            place = sent = place + 2048
        else:
            place += 1
    return delta_of(new, *commands, of_data(new[sent:]))


def applied(base: bytes, delta: bytes) -> tuple[bytes, str]:
    out = io.BytesIO()
    expected = apply_delta(io.BytesIO(base), len(base), io.BytesIO(delta), out.write)
    return out.getvalue(), expected


def test_a_signature_names_every_chunk() -> None:
    data = noise(5000)
    places = chunks_of(signature_of(io.BytesIO(data)))
    assert [(length, place) for (length, _, _), place in places.items()] == [
        (2048, 0),
        (2048, 2048),
        (904, 4096),
    ]
    for (length, checksum, digest), place in places.items():
        chunk = data[place : place + length]
        assert hashlib.sha1(chunk).digest() == digest
        total, of_sums = 1, 0
        for number in chunk:
            total = (total + number) % 65536
            of_sums = (of_sums + total) % 65536
        assert checksum == of_sums << 16 | total
    assert chunks_of(signature_of(io.BytesIO(b""))) == {}


def test_commands_are_carried_out_in_their_order() -> None:
    delta = delta_of(b"", of_chunk(8, 2), of_data(b"new"), of_chunk(0, 3), of_data(b""))
    assert applied(b"0123456789", delta) == (b"89new012", hashlib.sha1(b"").hexdigest())


@pytest.mark.parametrize(
    "delta",
    [
        b"",
        b"PK\3\4",
        b"OCTODELTA\x02" + START[10:],
        START.replace(b"SHA1", b"SHA2"),
        START.replace(b"\x14", b"\x15") + bytes(21) + b">>>",
        START + bytes(20) + b"<<<",
        START + bytes(19),
        delta_of(b"", b"\x61"),
        delta_of(b"", of_chunk(0, 11)),
        delta_of(b"", of_chunk(11, 0)),
        delta_of(b"", of_chunk(-1, 2)),
        delta_of(b"", of_chunk(1, -2)),
        delta_of(b"", of_chunk(2**63 - 1, 2**63 - 1)),
        delta_of(b"", of_data(b"abc")[:-1]),
        delta_of(b"", of_data(b"abc")[:5]),
        delta_of(b"", b"\x80" + struct.pack("<q", -1)),
    ],
)
def test_what_is_no_delta_of_the_file_is_refused(delta: bytes) -> None:
    with pytest.raises(Invalid, match="delta"):
        applied(b"0123456789", delta)


SAME = noise(40_000)
OLD = zip_of({"readme.txt": SAME})
NEW = zip_of({"b.bin": noise(3_000), "readme.txt": SAME})


def signature(client: Client, path: str) -> Any:
    return client.get(f"/api/Spaces-1/packages/{path}/delta-signature")


def send(client: Client, path: str, delta: bytes, name: str = "Acme.Web.1.1.0.zip") -> Any:
    file = SimpleUploadedFile(name, delta)
    return client.post(f"/api/Spaces-1/packages/{path}", {"file": file})


@pytest.mark.django_db
def test_a_delta_becomes_the_new_package(storage: FileStorage) -> None:
    ana = make_ana().api
    for version, content in (("0.9.0", b"1"), ("1.0.0", SAME), ("2.0.0", b"2")):
        make_package("Acme.Web", version, extension=".zip", content=content)
    told = signature(ana, "Acme.Web/1.1.0").json()
    assert told["BaseVersion"] == "1.0.0"
    delta = make_delta(base64.b64decode(told["Signature"]), NEW)
    assert len(delta) < len(NEW) / 4
    answer = send(ana, "Acme.Web/1.0.0/delta", delta)
    assert (answer.status_code, answer.json()["Id"]) == (201, "packages-Acme.Web.1.1.0")
    row = find_version(default_space(), "Acme.Web", "1.1.0")
    assert row
    assert b"".join(storage.open(row.blob_id)) == NEW
    assert (row.size, row.sha1) == (len(NEW), hashlib.sha1(NEW).hexdigest())
    again = send(ana, "Acme.Web/1.0.0/delta", delta)
    assert again.status_code == 409
    kept = send(ana, "Acme.Web/1.0.0/delta?overwriteMode=IgnoreIfExists", delta)
    assert kept.status_code == 200


@pytest.mark.django_db
def test_there_may_be_nothing_to_build_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ana = make_ana().api
    make_package("Acme.Web", "1.0.0")
    for path in ("Acme.Web/1.0.0", "Acme.Web/0.5.0", "Other/1.0.0", "Acme.Web/nonsense"):
        assert signature(ana, path).status_code == 404
    monkeypatch.setattr(delta_uploads, "LARGEST", 10)
    assert signature(ana, "Acme.Web/1.1.0").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "name", "change", "status"),
    [
        ("Acme.Web/0.1.0/delta", "Acme.Web.1.1.0.zip", lambda delta: delta, 404),
        ("Acme.Web/1.0.0/delta", "Acme.Web.1.1.0.zip", lambda delta: delta[:-1], 400),
        ("Acme.Web/1.0.0/delta", "Acme.Web.1.1.0.zip", lambda delta: delta + of_data(b"x"), 422),
        ("Acme.Web/1.0.0/delta", "Acme.Web.zip", lambda delta: delta, 400),
        ("Acme.Web/1.0.0/delta", "Mine.1.1.0.zip", lambda delta: delta, 400),
        ("Acme.Web/1.0.0/delta", "Acme.Web.1.1.0.tar.gz", lambda delta: delta, 400),
        ("Acme.Web/1.0.0/delta?overwriteMode=x", "Acme.Web.1.1.0.zip", lambda delta: delta, 400),
    ],
)
def test_of_a_refused_delta_nothing_stays(
    storage: FileStorage, path: str, name: str, change: Any, status: int
) -> None:
    make_package("Acme.Web", "1.0.0", extension=".zip", content=SAME)
    delta = make_delta(signature_of(io.BytesIO(OLD)), NEW)
    answer = send(make_ana().api, path, change(delta), name)
    assert answer.status_code == status
    assert answer.json()["ErrorMessage"]
    assert len(stored_files(storage)) == 1
    assert PackageVersion.objects.in_space(default_space()).count() == 1


@pytest.mark.django_db
def test_who_may_not_push_learns_nothing(storage: FileStorage) -> None:
    make_package("Acme.Web", "1.0.0")
    for person in (make_ben(default_space()), make_cleo(default_space())):
        assert signature(person.api, "Acme.Web/1.1.0").status_code == 403
        assert send(person.api, "Acme.Web/1.0.0/delta", b"x").status_code == 403
    assert len(stored_files(storage)) == 1
