"""Making a wanted patch, by one worker, in bounded time and memory."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F

from deployments.base.clock import Clock, utc_now
from packages_feed.models import PackagePatch
from packages_feed.patches import Archive, Unpatchable, make_patch
from packages_feed.services.blobs import drop_after_commit, hashed, lock_bytes, store_bytes
from packages_feed.services.patches.keeping import trim_patches
from packages_feed.storage import BlobMissing, StorageFailed, package_storage

log = structlog.get_logger(__name__)

MAKE: Final = "packages_feed.make_patch"
ATTEMPTS: Final = 3
_PAUSE: Final = timedelta(seconds=30)
_CLAIM: Final = timedelta(minutes=15)
_LONGEST_S: Final = 300.0


def make_wanted_patch(number: int, *, clock: Clock = utc_now) -> None:
    """Make a patch unless it is there, another worker makes it, or it was refused."""
    now = clock()
    rows = PackagePatch.objects.filter(pk=number)
    free = rows.filter(blob=None, refusal="", claimed__lte=now)
    if not free.update(claimed=now + _CLAIM, attempts=F("attempts") + 1):
        return
    row = rows.get()
    try:
        _make(row, clock)
    except Unpatchable as error:
        rows.update(refusal=str(error), used=now)
        log.info("no patch is made", patch=str(row), reason=str(error))
    except (BlobMissing, StorageFailed, OSError) as error:
        _note_failure(row, str(error), clock)
    except Exception as error:  # a package that surprises us must not be tried for ever
        log.exception("a patch cannot be made", patch=str(row))
        _note_failure(row, f"it failed in the server ({type(error).__name__})", clock)


def _note_failure(row: PackagePatch, problem: str, clock: Clock) -> None:
    log.warning("a patch was not made", patch=str(row), error=problem)
    now, is_final = clock(), row.attempts >= ATTEMPTS
    PackagePatch.objects.filter(pk=row.pk, blob=None).update(
        claimed=now, due=now + _PAUSE, refusal=problem if is_final else ""
    )


def _make(row: PackagePatch, clock: Clock) -> None:
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() - began > _LONGEST_S:
            raise Unpatchable(f"making it takes longer than {_LONGEST_S:g} seconds")

    spool = package_storage().spool_folder
    with tempfile.NamedTemporaryFile(dir=spool, prefix="patch-") as file:
        _write(row, Path(file.name), check)
        patch = hashed(Path(file.name))
        store_bytes(patch, clock=clock)
        try:
            with transaction.atomic():
                blob = lock_bytes(patch, clock=clock)
                PackagePatch.objects.filter(pk=row.pk).update(
                    blob=blob, size=patch.size, used=clock()
                )
        except BaseException:
            drop_after_commit(patch.sha256)
            raise
    seconds = round(time.monotonic() - began, 1)
    log.info("a patch was made", patch=str(row), size=patch.size, seconds=seconds)
    trim_patches(clock=clock)


def _write(row: PackagePatch, path: Path, check: Callable[[], None]) -> None:
    with (
        _local(row.base, check) as base,
        _local(row.target, check) as target,
        Archive(base, row.base_extension) as old,
        Archive(target, row.target_extension) as new,
        path.open("wb") as file,
    ):
        make_patch(old, new, file, row.form, check, exact=row.is_exact)


@contextlib.contextmanager
def _local(sha256: str, check: Callable[[], None]) -> Iterator[Path]:
    """Give the stored bytes as a file: where they are, or a copy."""
    storage = package_storage()
    path = storage.local_path(sha256)
    if path is not None:
        yield path
        return
    with tempfile.NamedTemporaryFile(dir=storage.spool_folder, prefix="patch-") as copy:
        for piece in storage.open(sha256):
            check()
            copy.write(piece)
        copy.flush()
        yield Path(copy.name)
