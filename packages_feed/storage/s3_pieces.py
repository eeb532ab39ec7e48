"""Pieces of uploads as objects of a bucket, where every server finds them.

`uploads/{number}/{start}` has the bytes from that place on. An object is created on condition that
it is not there, so of two requests that add at the same place one wins.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from packages_feed.storage.base import PIECE, StorageFailed
from packages_feed.storage.pieces import Adding, PiecesBusy
from packages_feed.storage.s3_calls import called, created, md5
from packages_feed.storage.s3_place import S3Place

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ROOT: Final = "uploads/"
_NOTE: Final = "done"
_DIGITS: Final = 20


class S3Pieces:
    """The pieces of one upload; objects have at most `part` bytes."""

    def __init__(self, client: "S3Client", place: S3Place, number: str, part: int) -> None:
        self._client = client
        self._place = place
        self._part = part
        self._prefix = place.key(f"{_ROOT}{number}/")

    def received(self) -> int:
        return sum(size for _, size in self._objects())

    @contextmanager
    def adding(self) -> Iterator[Adding]:
        end = _ObjectEnd(self, self.received(), self._part)
        try:
            yield end
        finally:
            end.flush()

    def whole(self) -> Iterator[bytes]:
        for key, size in self._objects():
            answer = self._get(key)
            if answer is None:
                raise StorageFailed("A piece of the upload is gone. Begin it again.")
            count = 0
            for data in answer["Body"].iter_chunks(PIECE):
                count += len(data)
                yield data
            if count != size:
                raise StorageFailed("The package store broke off in the middle.")

    def path(self) -> Path | None:
        return None

    def drop(self) -> None:
        for each in list(_listed(self._client, self._place, self._prefix)):
            if not each["Key"].endswith(_NOTE):
                self.delete(each["Key"])

    def note(self, text: str) -> None:
        body = text.encode()
        target: Any = {"Bucket": self._place.bucket, "Key": self._prefix + _NOTE, "Body": body}
        called(lambda: self._client.put_object(**target, **self._place.encrypted))

    def noted(self) -> str | None:
        answer = self._get(self._prefix + _NOTE)
        return None if answer is None else answer["Body"].read().decode()

    def create(self, start: int, body: bytes) -> str:
        """Keep the bytes from that place on and return their key; raises PiecesBusy."""
        key = f"{self._prefix}{start:0{_DIGITS}d}"
        target: Any = {"Bucket": self._place.bucket, "Key": key, "Body": body}
        target.update(self._place.encrypted, ContentMD5=md5(body))
        if not created(lambda condition: self._client.put_object(**target, **condition)):
            raise PiecesBusy
        return key

    def delete(self, key: str) -> None:
        """Delete one object; nothing happens when there is none."""
        _delete(self._client, self._place, key)

    def _get(self, key: str) -> Any:
        return called(lambda: self._client.get_object(Bucket=self._place.bucket, Key=key))

    def _objects(self) -> Iterator[tuple[str, int]]:
        """Yield key and size of the objects that follow each other without a gap."""
        here = 0
        for each in _listed(self._client, self._place, self._prefix):
            if each["Key"] != f"{self._prefix}{here:0{_DIGITS}d}":
                return
            here += each["Size"]
            yield each["Key"], each["Size"]


class _ObjectEnd:
    """Collects bytes until they fill an object."""

    def __init__(self, store: S3Pieces, here: int, part: int) -> None:
        self._store = store
        self._part = part
        self._keys: list[str] = []
        self._held = bytearray()
        self._start = self.here = here

    def write(self, data: bytes) -> None:
        self._held += data
        self.here += len(data)
        if len(self._held) >= self._part:
            self.flush()

    def flush(self) -> None:
        """Keep what was collected; after a failure it is not tried again."""
        body, self._held = bytes(self._held), bytearray()
        if body:
            self._keys.append(self._store.create(self.here - len(body), body))

    def undo(self) -> None:
        self._held.clear()
        for key in self._keys:
            self._store.delete(key)
        self.here = self._start


def drop_old_pieces(client: "S3Client", place: S3Place, before: datetime) -> int:
    """Delete the objects of uploads that nobody has added to since then; return how many."""
    count = 0
    root = place.key(_ROOT)
    listed = _listed(client, place, root)
    for _, objects in groupby(listed, lambda each: each["Key"][len(root) :].partition("/")[0]):
        of_one = list(objects)
        if max(each["LastModified"] for each in of_one) < before:
            for each in of_one:
                _delete(client, place, each["Key"])
            count += len(of_one)
    return count


def _delete(client: "S3Client", place: S3Place, key: str) -> None:
    called(lambda: client.delete_object(Bucket=place.bucket, Key=key))


def _listed(client: "S3Client", place: S3Place, prefix: str) -> Iterator[Any]:
    """Yield what the bucket has below the prefix, in the order of the keys."""
    asked: Any = {"Bucket": place.bucket, "Prefix": prefix}
    while True:
        page: Any = called(lambda: client.list_objects_v2(**asked))
        if page is None:
            raise StorageFailed(f"The bucket {place.bucket} does not exist.")
        yield from page.get("Contents", ())
        if not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]
