"""One set of expectations for both storages: a folder and a bucket."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from packages_feed.storage import (
    BlobMissing,
    FileStorage,
    PackageStorage,
    StorageFailed,
    storage_from_url,
)
from packages_feed.storage.s3 import PART
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
