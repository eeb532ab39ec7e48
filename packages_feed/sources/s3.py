"""Buckets of S3: objects whose names say id and version."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from agent.versions import InvalidFileName, PackageFileName, Version, parse_file_name
from deployments.base.outgoing import addresses_of
from packages_feed.sources.base import FeedPlace, Found, Hit, NotThere, Opened, SourceFailed
from packages_feed.sources.s3_connections import check_connections
from packages_feed.sources.web import failing_plainly

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PIECE: Final = 256 * 1024
_MOST_KEYS: Final = 20_000
_DENIED: Final = "AccessDenied"
_MISSING: Final = frozenset({"NoSuchBucket", "NoSuchKey", "404"})
_SILENCE_S: Final = 20
_PORTS: Final = {"http": 80, "https": 443}

# A key, what its last part says, and when it was stored.
_Key = tuple[str, PackageFileName, str]


class S3Bucket:
    """An id is `bucket/folders/name`; the object is called `folders/name.version.extension`."""

    def __init__(self, place: FeedPlace) -> None:
        self._place = place

    def versions(self, package_id: str) -> list[Found]:
        """Return the versions in the names of objects."""
        bucket, folder, name = _split(package_id)
        with self._client() as client:
            found = [
                Found(named.version.original, published)
                for _, named, published in _packages_there(client, bucket, folder, name)
            ]
        if not found:
            raise NotThere(f"The bucket {bucket} has no package {folder}{name}.")
        return found

    def search(self, term: str, take: int) -> list[Hit]:
        """Return packages whose key begins as the term says: `bucket/beginning`."""
        bucket, _, beginning = term.strip().partition("/")
        with self._client() as client:
            if not bucket or "/" not in term:
                listed = client.list_buckets().get("Buckets", [])
                names = [str(each.get("Name", "")) for each in listed]
                return [Hit(f"{name}/") for name in names if term.lower() in name.lower()][:take]
            ids = [
                f"{bucket}/{key.rpartition('/')[0]}/{named.package_id}".replace("//", "/")
                for key, named, _ in _packages(client, bucket, beginning)
            ]
        return [Hit(name) for name in dict.fromkeys(ids)][:take]

    @contextmanager
    def open(self, package_id: str, version: str) -> Iterator[Opened]:
        """Give the object's bytes."""
        bucket, folder, name = _split(package_id)
        wanted = Version.parse(version)
        with self._client() as client:
            for key, named, _ in _packages_there(client, bucket, folder, name):
                if named.version == wanted:
                    body = client.get_object(Bucket=bucket, Key=key)["Body"]
                    yield Opened(named.extension, body.iter_chunks(_PIECE))
                    return
        raise NotThere(f"The bucket {bucket} has no version {version} of {folder}{name}.")

    def check(self) -> str:
        """List the buckets, which keys for one bucket alone may not."""
        with self._client() as client:
            try:
                count = len(client.list_buckets().get("Buckets", []))
            except ClientError as error:
                if str(error.response.get("Error", {}).get("Code", "")) != _DENIED:
                    raise
                return "It answers, but does not list its buckets; look for a package."
        return f"It answers and lists {count} bucket{'' if count == 1 else 's'}."

    def notes(self, package_id: str, version: str) -> str:
        """Return nothing: objects have no notes."""
        return ""

    @contextmanager
    def _client(self) -> "Iterator[S3Client]":
        place = self._place
        parts = urlsplit(place.uri)
        try:
            if parts.hostname:
                port = parts.port or _PORTS[parts.scheme]
                with failing_plainly(place.uri):
                    addresses_of(parts.hostname, port, allow_loopback=place.allow_loopback)
            client = boto3.client(
                "s3",
                endpoint_url=place.uri or None,
                region_name=place.settings.get("Region") or "us-east-1",
                aws_access_key_id=place.username or None,
                aws_secret_access_key=place.password or None,
                config=Config(
                    # Without this boto3 would sign with what the server itself may use.
                    signature_version="s3v4" if place.username else UNSIGNED,
                    s3={"addressing_style": "path" if place.uri else "auto"},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    connect_timeout=_SILENCE_S,
                    read_timeout=_SILENCE_S,
                    retries={"max_attempts": 2, "mode": "standard"},
                ),
            )
            check_connections(client, allow_loopback=place.allow_loopback)
            yield client
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            kind = NotThere if code in _MISSING else SourceFailed
            raise kind(f"The store refuses: {code or 'unknown error'}.") from error
        except (BotoCoreError, ValueError) as error:  # the second for a host's name it dislikes
            raise SourceFailed(f"The store cannot be asked: {error}") from error


def _split(package_id: str) -> tuple[str, str, str]:
    """Return bucket, folders (with their last slash) and name."""
    bucket, _, rest = package_id.partition("/")
    folder, slash, name = rest.rpartition("/")
    if not bucket or not name:
        raise NotThere(f"'{package_id}' is not bucket/name.")
    return bucket, f"{folder}{slash}", name


def _packages_there(client: "S3Client", bucket: str, folder: str, name: str) -> Iterator[_Key]:
    """Yield the keys of one package: right in the folder, not in those below it."""
    for key, named, stored in _packages(client, bucket, f"{folder}{name}.", delimiter="/"):
        if named.package_id.lower() == name.lower():
            yield key, named, stored


def _packages(
    client: "S3Client", bucket: str, prefix: str, *, delimiter: str = ""
) -> Iterator[_Key]:
    """Yield keys that name a package, with what they say and when they were stored."""
    seen = 0
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, Delimiter=delimiter
    )
    for page in pages:
        for each in page.get("Contents", []):
            seen += 1
            if seen > _MOST_KEYS:
                return
            key, stored = str(each.get("Key", "")), each.get("LastModified")
            try:
                named = parse_file_name(key.rpartition("/")[2])
            except InvalidFileName:
                continue
            yield key, named, stored.isoformat() if stored else ""
