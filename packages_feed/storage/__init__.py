"""Where the bytes of packages are: a folder or an S3 bucket, addressed by SHA-256."""

from packages_feed.storage.base import (
    BlobMissing,
    PackageStorage,
    StorageFailed,
    StoredFile,
    WrongBytes,
)
from packages_feed.storage.both import MovingStorage
from packages_feed.storage.choice import named_storage, package_storage, storage_from_url
from packages_feed.storage.files import FileStorage
from packages_feed.storage.pieces import PiecesBusy, PieceStore
from packages_feed.storage.writer import MOST_CONTENT, Writing, use_writer

__all__ = [
    "MOST_CONTENT",
    "BlobMissing",
    "FileStorage",
    "MovingStorage",
    "PackageStorage",
    "PieceStore",
    "PiecesBusy",
    "StorageFailed",
    "StoredFile",
    "Writing",
    "WrongBytes",
    "named_storage",
    "package_storage",
    "storage_from_url",
    "use_writer",
]
