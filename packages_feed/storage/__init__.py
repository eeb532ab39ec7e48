"""Where the bytes of packages are: a folder or an S3 bucket, addressed by SHA-256."""

from packages_feed.storage.base import BlobMissing, PackageStorage, StorageFailed
from packages_feed.storage.choice import package_storage, storage_from_url
from packages_feed.storage.files import FileStorage

__all__ = [
    "BlobMissing",
    "FileStorage",
    "PackageStorage",
    "StorageFailed",
    "package_storage",
    "storage_from_url",
]
