"""Files of the audit's archive in the storage of packages; the audit itself is a lower floor."""

from collections.abc import Iterator
from pathlib import Path

from deployments.audit.archives.store import ArchiveMissing, ArchiveUnavailable, KeptFile
from packages_feed.services.blobs import drop_after_commit, hashed, lock_bytes, store_bytes
from packages_feed.storage import BlobMissing, StorageFailed, package_storage


class StoredArchives:
    """The audit's ArchiveStore."""

    def folder(self) -> Path:
        return package_storage().spool_folder

    def keep(self, path: Path) -> KeptFile:
        upload = hashed(path)
        try:
            store_bytes(upload)
        except (StorageFailed, OSError) as error:
            raise ArchiveUnavailable(f"The archive cannot be stored: {error}") from error
        return KeptFile(path, upload.sha256, upload.size)

    def hold(self, kept: KeptFile) -> None:
        lock_bytes(hashed(kept.path))

    def open(self, sha256: str) -> Iterator[bytes]:
        try:
            yield from package_storage().open(sha256)
        except BlobMissing as error:
            raise ArchiveMissing("The storage has no such file.") from error
        except StorageFailed as error:
            raise ArchiveUnavailable(f"The archive cannot be read: {error}") from error

    def drop(self, sha256: str) -> None:
        drop_after_commit(sha256)
