"""Packages in a bucket of anything that speaks S3."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from packages_feed.storage.base import (
    BINARY,
    PIECE,
    BlobMissing,
    StorageFailed,
    StoredFile,
    WrongBytes,
    as_file,
    is_sha256,
    place_of,
)
from packages_feed.storage.pieces import PieceStore
from packages_feed.storage.s3_calls import called, created, md5
from packages_feed.storage.s3_pieces import S3Pieces, drop_old_pieces
from packages_feed.storage.s3_place import S3Place
from packages_feed.storage.spooling import drop_old_files

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART = 16 * 1024 * 1024
"""Bytes of one part of an upload; also what an upload holds in memory."""


class S3Storage:
    """A bucket with a prefix; without keys, boto3's own chain finds the credentials."""

    def __init__(
        self, place: S3Place, *, spool_folder: Path, access_key: str = "", secret_key: str = ""
    ) -> None:
        self.place = place
        self._spool_folder = spool_folder
        session = boto3.Session(profile_name=place.profile or None)
        if place.profile:
            access_key = secret_key = ""
        self.client: S3Client = session.client(
            "s3",
            endpoint_url=place.endpoint or None,
            region_name=place.region or session.region_name or "us-east-1",
            aws_access_key_id=access_key or None,
            aws_secret_access_key=secret_key or None,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": cast(Any, place.addressing_style)},
                # Stores other than Amazon's refuse the checksum headers that boto3 adds.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"max_attempts": 4, "mode": "standard"},
                connect_timeout=10,
                read_timeout=60,
            ),
        )

    @property
    def spool_folder(self) -> Path:
        self._spool_folder.mkdir(parents=True, exist_ok=True)
        return self._spool_folder

    def begin(self, path: Path, sha256: str, content: bytes) -> None:
        return None

    def put(self, source: Path, sha256: str) -> bool:
        size = source.stat().st_size
        if self._has(sha256, size):
            return False
        with source.open("rb") as file:
            return self._put(iter(lambda: file.read(PART), b""), sha256, size)

    def put_stream(self, pieces: Iterator[bytes], sha256: str, size: int) -> bool:
        if self._has(sha256, size):
            return False
        return self._put(_checked(_parts(pieces), sha256), sha256, size)

    def _has(self, sha256: str, size: int) -> bool:
        """Tell whether the bytes are here; others under their name are damaged and make room."""
        known = self.size(sha256)
        if known not in {None, size}:
            self.delete(sha256)
        return known == size

    def _put(self, parts: Iterator[bytes], sha256: str, size: int) -> bool:
        created = self._put_parts(parts, sha256) if size > PART else self._put_whole(parts, sha256)
        if self.size(sha256) != size:
            raise StorageFailed("The store keeps another number of bytes than were sent.")
        return created

    def open(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if length == 0:
            return iter(())
        end = "" if length is None else str(start + length - 1)
        ranged: Any = {"Range": f"bytes={start}-{end}"} if start or length is not None else {}
        answer: Any = called(
            lambda: self.client.get_object(
                Bucket=self.place.bucket, Key=self._key(sha256), **ranged
            )
        )
        if answer is None:
            raise BlobMissing(sha256)
        return _pieces(answer["Body"])

    def local_path(self, sha256: str) -> Path | None:
        return None

    def address(self, sha256: str, name: str) -> str | None:
        if not self.place.redirect_seconds:
            return None
        answer = {"ResponseContentType": BINARY, "ResponseContentDisposition": as_file(name)}
        return self.client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.place.bucket, "Key": self._key(sha256), **answer},
            ExpiresIn=self.place.redirect_seconds,
        )

    def size(self, sha256: str) -> int | None:
        answer = called(
            lambda: self.client.head_object(Bucket=self.place.bucket, Key=self._key(sha256))
        )
        return None if answer is None else answer["ContentLength"]

    def delete(self, sha256: str) -> None:
        called(lambda: self.client.delete_object(Bucket=self.place.bucket, Key=self._key(sha256)))

    def files(self, after: str = "") -> Iterator[StoredFile]:
        listed: Any = {"Bucket": self.place.bucket, "Prefix": self.place.key("packages/")}
        if after:
            listed["StartAfter"] = self._key(after)
        while True:
            page: Any = called(lambda: self.client.list_objects_v2(**listed))
            if page is None:
                raise StorageFailed(f"The bucket {self.place.bucket} does not exist.")
            for each in page.get("Contents", ()):
                sha256 = each["Key"].rpartition("/")[2]
                # Only where we put them: a key elsewhere would not come in the order of the hashes.
                if is_sha256(sha256) and each["Key"] == self._key(sha256):
                    yield StoredFile(sha256, each["Size"], each["LastModified"])
            if not page.get("IsTruncated"):
                return
            listed["ContinuationToken"] = page["NextContinuationToken"]

    def pieces(self, number: str) -> PieceStore:
        return S3Pieces(self.client, self.place, number, PART)

    def drop_unfinished(self, before: datetime) -> int:
        """Delete old files of the spool folder, and what uploads left that were broken off."""
        count = drop_old_files(self.spool_folder, before)
        count += drop_old_pieces(self.client, self.place, before)
        prefix = self.place.key("packages/")
        try:
            answer: Any = called(
                lambda: self.client.list_multipart_uploads(Bucket=self.place.bucket, Prefix=prefix)
            )
        except StorageFailed:
            return count  # keys that may not list them; the bucket's own rules remove them
        for each in (answer or {}).get("Uploads", ()):
            if each["Initiated"] < before:
                key, upload = each["Key"], each["UploadId"]
                self._abort({"Bucket": self.place.bucket, "Key": key, "UploadId": upload})
                count += 1
        return count

    def _key(self, sha256: str) -> str:
        return self.place.key(place_of(sha256))

    def _put_whole(self, parts: Iterable[bytes], sha256: str) -> bool:
        body = b"".join(parts)
        target: Any = {"Bucket": self.place.bucket, "Key": self._key(sha256), "Body": body}
        target.update(self.place.encrypted, ContentMD5=md5(body))
        return created(lambda condition: self.client.put_object(**target, **condition))

    def _put_parts(self, whole: Iterable[bytes], sha256: str) -> bool:
        target: Any = {"Bucket": self.place.bucket, "Key": self._key(sha256)}
        upload = called(
            lambda: self.client.create_multipart_upload(**target, **self.place.encrypted)
        )
        if upload is None:
            raise StorageFailed(f"The bucket {self.place.bucket} does not exist.")
        target["UploadId"] = upload["UploadId"]
        try:
            parts = [self._put_part(target, n, body) for n, body in enumerate(whole, 1)]
            return created(
                lambda condition: self.client.complete_multipart_upload(
                    **target, MultipartUpload={"Parts": parts}, **condition
                )
            )
        except BaseException:
            self._abort(target)
            raise

    def _put_part(self, target: Any, number: int, body: bytes) -> "CompletedPartTypeDef":
        answer = called(
            lambda: self.client.upload_part(
                **target, PartNumber=number, Body=body, ContentMD5=md5(body)
            )
        )
        if answer is None:
            raise StorageFailed("The store has forgotten the upload.")
        return {"ETag": answer["ETag"], "PartNumber": number}

    def _abort(self, target: Any) -> None:
        try:
            self.client.abort_multipart_upload(**target)
        except (BotoCoreError, ClientError):
            return  # the store's own rule for unfinished uploads removes it


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Put pieces of any length together to parts of one length; the last may be shorter."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= PART:
            yield bytes(held[:PART])
            del held[:PART]
    if held:
        yield bytes(held)


def _checked(parts: Iterable[bytes], sha256: str) -> Iterator[bytes]:
    """Give the parts on; raises WrongBytes instead of ending when they are others."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
        yield part
    if digest.hexdigest() != sha256:
        raise WrongBytes(f"What came as {sha256} has the SHA-256 {digest.hexdigest()}.")


def _pieces(body: Any) -> Iterator[bytes]:
    try:
        yield from body.iter_chunks(PIECE)
    except (BotoCoreError, OSError) as error:
        raise StorageFailed("The package store broke off in the middle.") from error
    finally:
        body.close()
