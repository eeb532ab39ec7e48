"""One set of expectations for both storages: a folder and a bucket."""

import hashlib
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from packages_feed.storage import (
    BlobMissing,
    FileStorage,
    MovingStorage,
    PackageStorage,
    StorageFailed,
    WrongBytes,
    storage_from_url,
)
from packages_feed.storage.s3 import PART, S3Storage
from tests.support.swift import S3Store, s3_client

Make = Callable[[bytes], tuple[Path, str]]


@pytest.fixture(params=["files", pytest.param("s3", marks=pytest.mark.s3)])
def any_storage(request: pytest.FixtureRequest, tmp_path: Path) -> PackageStorage:
    """Give each storage, new and empty."""
    if request.param == "files":
        return FileStorage(tmp_path / "packages folder")
    store: S3Store = request.getfixturevalue("swift")
    url = f"s3://{store.bucket}/{os.urandom(4).hex()}/deeper?endpoint={store.endpoint}"
    return storage_from_url(
        url, spool_folder=tmp_path / "spool", access_key=store.key, secret_key=store.secret
    )


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write bytes to a file; returns it with its SHA-256."""

    def make_file(data: bytes) -> tuple[Path, str]:
        path = tmp_path / f"source-{os.urandom(4).hex()}"
        path.write_bytes(data)
        return path, hashlib.sha256(data).hexdigest()

    return make_file


def test_what_was_put_can_be_read(any_storage: PackageStorage, make: Make) -> None:
    data = os.urandom(700_001)
    path, sha256 = make(data)
    assert any_storage.size(sha256) is None
    assert any_storage.put(path, sha256) is True
    assert any_storage.put(path, sha256) is False
    assert path.exists()
    assert any_storage.size(sha256) == len(data)
    assert b"".join(any_storage.open(sha256)) == data


@pytest.mark.parametrize(
    ("start", "length"), [(0, 10), (699_990, None), (300_000, 270_000), (5, 0), (700_000, 100)]
)
def test_parts(any_storage: PackageStorage, make: Make, start: int, length: int | None) -> None:
    data = os.urandom(700_001)
    path, sha256 = make(data)
    any_storage.put(path, sha256)
    expected = data[start:] if length is None else data[start : start + length]
    assert b"".join(any_storage.open(sha256, start=start, length=length)) == expected


def test_large_files_arrive_whole(any_storage: PackageStorage, make: Make) -> None:
    data = os.urandom(1024) * (2 * PART // 1024) + b"end"
    path, sha256 = make(data)
    assert any_storage.put(path, sha256) is True
    digest = hashlib.sha256()
    for piece in any_storage.open(sha256):
        digest.update(piece)
    assert digest.hexdigest() == sha256
    tail = b"".join(any_storage.open(sha256, start=2 * PART - 1, length=4))
    assert tail == data[2 * PART - 1 :]


def test_what_is_not_there(any_storage: PackageStorage) -> None:
    missing = "0" * 64
    assert any_storage.size(missing) is None
    any_storage.delete(missing)
    with pytest.raises(BlobMissing):
        any_storage.open(missing)


def test_deleting(any_storage: PackageStorage, make: Make) -> None:
    path, sha256 = make(b"one")
    any_storage.put(path, sha256)
    any_storage.delete(sha256)
    assert any_storage.size(sha256) is None
    assert any_storage.put(path, sha256) is True


def test_many_at_once_store_it_once(any_storage: PackageStorage, make: Make) -> None:
    data = os.urandom(100_000)
    path, sha256 = make(data)
    failures: list[BaseException] = []

    def put() -> None:
        try:
            any_storage.put(path, sha256)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert b"".join(any_storage.open(sha256)) == data


def test_a_folder_shards_by_hash_and_keeps_nothing_else(tmp_path: Path, make: Make) -> None:
    storage = FileStorage(tmp_path / "kept")
    path, sha256 = make(b"one")
    storage.put(path, sha256)
    files = [
        each.relative_to(storage.folder) for each in storage.folder.rglob("*") if each.is_file()
    ]
    assert files == [Path("packages") / sha256[:2] / sha256[2:4] / sha256]


def test_half_a_file_is_replaced(tmp_path: Path, make: Make) -> None:
    storage = FileStorage(tmp_path / "kept")
    path, sha256 = make(b"whole")
    storage.put(path, sha256)
    (storage.folder / "packages" / sha256[:2] / sha256[2:4] / sha256).unlink()
    (storage.folder / "packages" / sha256[:2] / sha256[2:4] / sha256).write_bytes(b"who")
    assert storage.put(path, sha256) is True
    assert b"".join(storage.open(sha256)) == b"whole"


def test_half_an_object_is_replaced(swift: S3Store, tmp_path: Path, make: Make) -> None:
    storage = storage_from_url(
        swift.storage_url, spool_folder=tmp_path, access_key=swift.key, secret_key=swift.secret
    )
    path, sha256 = make(b"a whole object")
    key = f"octopus/packages/{sha256[:2]}/{sha256[2:4]}/{sha256}"
    s3_client(swift).put_object(Bucket=swift.bucket, Key=key, Body=b"half")
    assert storage.put(path, sha256) is True
    assert b"".join(storage.open(sha256)) == b"a whole object"
    s3_client(swift).put_object(Bucket=swift.bucket, Key=key, Body=b"half")
    assert storage.put_stream(iter([b"a whole ", b"object"]), sha256, 14) is True
    assert b"".join(storage.open(sha256)) == b"a whole object"


def test_names_that_are_no_hash_reach_no_file(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)
    (tmp_path / "secret").write_text("x")
    with pytest.raises(BlobMissing):
        storage.open("../secret")


def test_a_bucket_that_is_not_there_or_not_ours(swift: S3Store, tmp_path: Path, make: Make) -> None:
    path, sha256 = make(b"one")
    url = f"s3://nowhere?endpoint={swift.endpoint}"
    storage = storage_from_url(
        url, spool_folder=tmp_path, access_key=swift.key, secret_key=swift.secret
    )
    with pytest.raises(StorageFailed):
        storage.put(path, sha256)
    stranger = storage_from_url(
        swift.storage_url, spool_folder=tmp_path, access_key=swift.key, secret_key="wrong"
    )
    with pytest.raises(StorageFailed):
        stranger.put(path, sha256)


def test_the_prefix_is_part_of_every_key(swift: S3Store, tmp_path: Path, make: Make) -> None:
    path, sha256 = make(b"prefixed")
    storage = storage_from_url(
        swift.storage_url, spool_folder=tmp_path, access_key=swift.key, secret_key=swift.secret
    )
    storage.put(path, sha256)
    listed = s3_client(swift).list_objects_v2(Bucket=swift.bucket, Prefix="octopus/packages/")
    keys = [each["Key"] for each in listed["Contents"]]
    assert f"octopus/packages/{sha256[:2]}/{sha256[2:4]}/{sha256}" in keys


def test_streams_are_hashed_on_their_way(any_storage: PackageStorage) -> None:
    data = os.urandom(1024) * (PART // 1024) + b"more"
    sha256 = hashlib.sha256(data).hexdigest()
    pieces = [data[:5], data[5:1_000_000], data[1_000_000:]]
    with pytest.raises(WrongBytes):
        any_storage.put_stream(iter([*pieces, b"!"]), sha256, len(data) + 1)
    with pytest.raises(WrongBytes):
        any_storage.put_stream(iter([b"small"]), sha256, 5)
    assert any_storage.size(sha256) is None
    assert any_storage.put_stream(iter(pieces), sha256, len(data)) is True
    assert any_storage.put_stream(iter(pieces), sha256, len(data)) is False
    assert hashlib.sha256(b"".join(any_storage.open(sha256))).hexdigest() == sha256


def test_files_are_listed_in_order_from_any_of_them_on(
    any_storage: PackageStorage, make: Make
) -> None:
    assert list(any_storage.files()) == []
    made = dict(sorted((make(bytes([n]) * (n + 1))[1], n + 1) for n in range(12)))
    for n in range(12):
        any_storage.put(*make(bytes([n]) * (n + 1)))
    listed = list(any_storage.files())
    assert {file.sha256: file.size for file in listed} == made
    assert [file.sha256 for file in listed] == list(made)
    assert all(abs((datetime.now(UTC) - file.modified).total_seconds()) < 600 for file in listed)
    for sha256 in made:
        assert [file.sha256 for file in any_storage.files(sha256)] == [
            each for each in made if each > sha256
        ]


def test_broken_off_uploads_are_cleared_away(any_storage: PackageStorage) -> None:
    (any_storage.spool_folder / "upload-old").write_bytes(b"half")
    now = datetime.now(UTC)
    assert any_storage.drop_unfinished(now - timedelta(hours=1)) == 0
    assert any_storage.drop_unfinished(now + timedelta(hours=1)) == 1
    assert list(any_storage.spool_folder.iterdir()) == []


def test_parts_of_a_broken_off_upload_are_cleared_away(swift: S3Store, tmp_path: Path) -> None:
    storage = storage_from_url(
        swift.storage_url, spool_folder=tmp_path, access_key=swift.key, secret_key=swift.secret
    )
    key = f"octopus/packages/00/00/{'0' * 64}"
    client = s3_client(swift)
    client.create_multipart_upload(Bucket=swift.bucket, Key=key)
    client.create_multipart_upload(Bucket=swift.bucket, Key="another/program")
    assert storage.drop_unfinished(datetime.now(UTC) + timedelta(hours=1)) == 1
    left = client.list_multipart_uploads(Bucket=swift.bucket)["Uploads"]
    assert [each["Key"] for each in left] == ["another/program"]


def test_two_storages_are_one_while_files_move(tmp_path: Path, make: Make) -> None:
    new, old = FileStorage(tmp_path / "new"), FileStorage(tmp_path / "old")
    both = MovingStorage(new, old)
    one, two = make(b"one"), make(b"second")
    old.put(*one)
    both.put(*two)
    both.put_stream(iter([b"third"]), hashlib.sha256(b"third").hexdigest(), 5)
    assert (b"".join(both.open(one[1])), both.size(one[1])) == (b"one", 3)
    assert [len(list(each.files())) for each in (new, old, both)] == [2, 1, 3]
    new.put(*one)
    assert [len(list(each.files())) for each in (new, old, both)] == [3, 1, 3]
    both.delete(one[1])
    assert (new.size(one[1]), old.size(one[1])) == (None, None)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://packages", "must be file:///folder or s3://bucket/prefix"),
        ("file://host/folder", "must be file:///folder"),
        ("s3:///prefix", "must be file"),
        ("s3://bucket?style=path", "no option style, only addressing, encryption"),
        ("s3://bucket?addressing=way", "addressing must be one of path, virtual, auto"),
        ("s3://bucket?encryption=rot13", "encryption must be one of AES256, aws:kms"),
        ("s3://bucket?kms_key=abc", "kms_key needs encryption=aws:kms"),
        ("s3://bucket?redirect=1d", "redirect must be seconds from 0 to 604800"),
        ("s3://bucket?redirect=604801", "redirect must be seconds"),
        ("s3://bucket?endpoint=nonsense", "Invalid endpoint"),
        ("s3://bucket?profile=nobody", "profile"),
    ],
)
def test_wrong_addresses_are_told(url: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=reason):
        storage_from_url(url, spool_folder=tmp_path, access_key="key", secret_key="secret")


def test_the_store_is_asked_to_encrypt(swift: S3Store, tmp_path: Path, make: Make) -> None:
    storage = storage_from_url(
        f"{swift.storage_url}&encryption=AES256",
        spool_folder=tmp_path,
        access_key=swift.key,
        secret_key=swift.secret,
    )
    asked: dict[str, bytes | None] = {}
    assert isinstance(storage, S3Storage)
    storage.client.meta.events.register(
        "before-send.s3.*",
        lambda request, event_name, **_: asked.update(
            {event_name.rpartition(".")[2]: request.headers.get("x-amz-server-side-encryption")}
        ),
    )
    small, large = make(os.urandom(5000)), make(os.urandom(1024) * (PART // 1024) + b"more")
    assert storage.put(*small)
    assert storage.put(*large)
    assert b"".join(storage.open(small[1])) == small[0].read_bytes()
    encrypted = {name: value for name, value in asked.items() if value}
    assert encrypted == {"PutObject": b"AES256", "CreateMultipartUpload": b"AES256"}


def test_an_encryption_that_the_store_does_not_know_is_told(
    swift: S3Store, tmp_path: Path, make: Make
) -> None:
    storage = storage_from_url(
        f"{swift.storage_url}&encryption=aws:kms&kms_key=packages",
        spool_folder=tmp_path,
        access_key=swift.key,
        secret_key=swift.secret,
    )
    path, sha256 = make(b"secret")
    with pytest.raises(StorageFailed, match="NotImplemented"):
        storage.put(path, sha256)
    assert storage.size(sha256) is None


def test_an_address_gives_the_bytes_to_anybody_for_a_while(
    swift: S3Store, tmp_path: Path, make: Make
) -> None:
    keys = {"access_key": swift.key, "secret_key": swift.secret}
    plain = storage_from_url(swift.storage_url, spool_folder=tmp_path, **keys)
    path, sha256 = make(b"0123456789")
    plain.put(path, sha256)
    assert plain.address(sha256, "A.1.0.zip") is None
    storage = storage_from_url(f"{swift.storage_url}&redirect=60", spool_folder=tmp_path, **keys)
    address = storage.address(sha256, "Acmé.1.0.zip")
    assert address
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"0123456789"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert 'filename="Acm_.1.0.zip"' in answer.headers["Content-Disposition"]
    request = urllib.request.Request(address, headers={"Range": "bytes=2-4"})
    with urllib.request.urlopen(request) as answer:
        assert (answer.status, answer.read()) == (206, b"234")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address.replace(sha256, "0" * 64))


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ("endpoint=https://s3.example.com", "https://s3.example.com/bucket/in/packages/ab/"),
        (
            "endpoint=https://s3.example.com&addressing=virtual",
            "https://bucket.s3.example.com/in/packages/ab/",
        ),
        ("region=eu-west-1", "https://bucket.s3.amazonaws.com/in/packages/ab/"),
        ("addressing=path&region=eu-west-1", "https://s3.eu-west-1.amazonaws.com/bucket/in/"),
    ],
)
def test_a_bucket_is_named_by_path_or_host(options: str, begins: str, tmp_path: Path) -> None:
    storage = storage_from_url(
        f"s3://bucket/in?{options}&redirect=60",
        spool_folder=tmp_path,
        access_key="key",
        secret_key="secret",
    )
    assert str(storage.address("ab" * 32, "A.1.0.zip")).startswith(begins)
