"""Reading every file of the storage and comparing it with its SHA-256 and its row."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from deployments.base.clock import Clock, utc_now
from packages_feed.models import StoredBlob
from packages_feed.services.blobs import is_used, users_of
from packages_feed.services.upkeep.both_sides import Pair, rows_and_files
from packages_feed.storage import BlobMissing, PackageStorage

# The row of a small upload is committed after its file has been stored.
_SOON_NAMED: Final = timedelta(minutes=1)


class Problem(StrEnum):
    """What can be wrong with stored bytes."""

    MISSING = "missing"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    ORPHANED = "orphaned"


@dataclass(frozen=True, slots=True)
class Checked:
    """One file that was looked at; `users` are named where there is a problem."""

    sha256: str
    size: int
    problem: Problem | None = None
    users: tuple[str, ...] = ()


def check_files(
    storage: PackageStorage, *, after: str = "", clock: Clock = utc_now
) -> Iterator[Checked]:
    """Yield every file beyond `after` in the order of the hashes, each read as a whole.

    Uploads and deletions go on meanwhile and are no problem. Raises StorageFailed.
    """
    for pair in rows_and_files(storage, after=after):
        problem = _problem(storage, pair, clock)
        size = pair.row_size if pair.row_size is not None else pair.file.size if pair.file else 0
        users = tuple(users_of(pair.sha256)) if problem else ()
        yield Checked(pair.sha256, size, problem, users)


def _problem(storage: PackageStorage, pair: Pair, clock: Clock) -> Problem | None:
    if pair.row_size is None:
        is_old = pair.file is not None and pair.file.modified < clock() - _SOON_NAMED
        return _orphaned(storage, pair.sha256) if is_old else None
    state = _state(storage, pair.sha256, pair.row_size)
    # What changed since the row was read: deleted, or an upload that was given up.
    if state is None or not is_used(pair.sha256):
        return None
    return state


def _orphaned(storage: PackageStorage, sha256: str) -> Problem | None:
    has_row = StoredBlob.objects.filter(pk=sha256).exists()
    return None if has_row or storage.size(sha256) is None else Problem.ORPHANED


def _state(storage: PackageStorage, sha256: str, size: int) -> Problem | None:
    digest, count = hashlib.sha256(), 0
    try:
        for piece in storage.open(sha256):
            digest.update(piece)
            count += len(piece)
    except BlobMissing:
        return Problem.MISSING
    except OSError:  # the disk gives it back no more
        return Problem.UNREADABLE
    return None if count == size and digest.hexdigest() == sha256 else Problem.DAMAGED
