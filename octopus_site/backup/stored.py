"""The files of the storage, with words for an operator when it fails."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from deployments.base.errors import Invalid
from packages_feed.storage import BlobMissing, PackageStorage, StorageFailed


@contextmanager
def storage_in_words() -> Iterator[None]:
    """Turn what a storage raises into Invalid; BlobMissing goes through."""
    try:
        yield
    except (StorageFailed, OSError) as error:
        raise Invalid(f"the storage of packages, artifacts and logs failed: {error}") from error


def read_stored(storage: PackageStorage, sha256: str) -> Iterator[bytes]:
    """Return a stored file's bytes. Raises BlobMissing at once, and Invalid."""
    with storage_in_words():
        pieces = storage.open(sha256)
    return _in_words(pieces)


def is_stored(storage: PackageStorage, sha256: str, size: int, *, check_hash: bool) -> bool:
    """Tell whether the storage has a file as it was. Raises Invalid."""
    with storage_in_words():
        if storage.size(sha256) != size:
            return False
    if not check_hash:
        return True
    digest = hashlib.sha256()
    try:
        for piece in read_stored(storage, sha256):
            digest.update(piece)
    except BlobMissing:
        return False
    return digest.hexdigest() == sha256


def _in_words(pieces: Iterator[bytes]) -> Iterator[bytes]:
    with storage_in_words():
        yield from pieces
