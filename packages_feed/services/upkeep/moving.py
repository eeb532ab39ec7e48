"""Copying what rows name from the storage in use to another, while the server runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from packages_feed.services.blobs import is_used
from packages_feed.services.upkeep.both_sides import rows_and_files
from packages_feed.storage import BlobMissing, PackageStorage, WrongBytes


class Copied(StrEnum):
    """What became of one file."""

    COPIED = "copied"
    PRESENT = "present"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Transfer:
    sha256: str
    size: int
    outcome: Copied


def copy_missing(source: PackageStorage, target: PackageStorage) -> Iterator[Transfer]:
    """Copy every file that a row names and the target lacks, hashed on its way.

    A file appears in the target only as a whole, so an interrupted run is continued by another.
    One that is deleted while it is copied stays there as an orphan.
    Raises StorageFailed.
    """
    for pair in rows_and_files(target):
        if pair.row_size is None:
            continue
        if pair.file is not None and pair.file.size == pair.row_size:
            yield Transfer(pair.sha256, pair.row_size, Copied.PRESENT)
        elif (outcome := _copy(source, target, pair.sha256, pair.row_size)) is not None:
            yield Transfer(pair.sha256, pair.row_size, outcome)


def _copy(source: PackageStorage, target: PackageStorage, sha256: str, size: int) -> Copied | None:
    """Copy one file; None for one that nothing names any more."""
    try:
        pieces = source.open(sha256)
        try:
            target.put_stream(_readable(pieces), sha256, size)
        finally:
            getattr(pieces, "close", lambda: None)()
    except (BlobMissing, WrongBytes) as error:
        if not is_used(sha256):
            return None
        return Copied.MISSING if isinstance(error, BlobMissing) else Copied.DAMAGED
    return Copied.COPIED


def _readable(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Give the pieces on; raises WrongBytes where the disk does not give them back any more."""
    try:
        yield from pieces
    except OSError as error:
        raise WrongBytes(f"The file cannot be read: {error.strerror}.") from error
