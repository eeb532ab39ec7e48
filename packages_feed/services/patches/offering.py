"""What an agent is told that asks for a patch instead of a whole package."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from deployments.base.clock import Clock, utc_now
from deployments.base.models import Space
from deployments.base.wake import wake
from packages_feed.ingest import current_limits
from packages_feed.ingest.inspect import TAR_KINDS
from packages_feed.models import PackagePatch
from packages_feed.patches import FILES, GZIP, ZSTD
from packages_feed.queries.patches import best_base, find_stored
from packages_feed.services.blobs import drop_after_commit
from packages_feed.services.patches.making import MAKE
from packages_feed.storage import BlobMissing, StorageFailed, package_storage

log = structlog.get_logger(__name__)

# What is smaller comes whole as quickly.
SMALLEST: Final = 64 * 1024
_REPEATED: Final = timedelta(seconds=10)
# How exactly it is known when a patch was used last.
_NOTED: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Offer:
    """A patch of `size` bytes that makes the package of `base`; both are named by SHA-256."""

    base: str
    patch: str
    size: int
    form: str


@dataclass(frozen=True, slots=True)
class Coming:
    """A patch is being made; ask again soon."""


def offer_patch(
    space: Space,
    target: str,
    *,
    have: Collection[str],
    form: str,
    with_gzip: bool = False,
    refused: Collection[str] = (),
    clock: Clock = utc_now,
) -> Offer | Coming | None:
    """Return the patch for an agent that has the packages `have`; None: it must come whole.

    With `form` ZSTD and `with_gzip` the agent packs as the server's gzip does, too.
    A patch of the list `refused` was no good to the agent: it is made anew if it is damaged here,
    and otherwise made exact, once.
    """
    package, now = find_stored(space, target), clock()
    if package is None or package.size < SMALLEST or not current_limits().patches:
        return None
    base = best_base(space, target, have)
    if base is None:
        return None
    extension = package.extension.lower()
    if with_gzip and form == ZSTD and TAR_KINDS.get(extension) == "gz":
        form = GZIP
    row, _ = PackagePatch.objects.get_or_create(
        target=target,
        base=base.sha256,
        form=form,
        defaults={
            "base_extension": base.extension.lower(),
            "target_extension": extension,
            "used": now,
            "due": now,
            "claimed": now,
        },
    )
    if row.blob_id in refused:
        if not (_forget_damaged(row, now) or _forget_inexact(row, now)):
            return None
    elif _is_lost(row):
        _forget_damaged(row, now)
    if row.refusal:
        return None
    if row.blob_id is None:
        _have_made(row, now)
        return Coming()
    _note_use(row, now)
    return Offer(base.sha256, row.blob_id, row.size, ZSTD if form == GZIP else form)


def find_patch(target: str, sha256: str, *, clock: Clock = utc_now) -> PackagePatch | None:
    """Return a patch for that package by its own SHA-256, and note that it is used."""
    row = PackagePatch.objects.filter(target=target, blob=sha256).first()
    if row is not None:
        _note_use(row, clock())
    return row


def _have_made(row: PackagePatch, now: datetime) -> None:
    """Tell the workers, but not for each of the agents that ask at once."""
    if PackagePatch.objects.filter(pk=row.pk, due__lte=now).update(due=now + _REPEATED):
        wake(MAKE, row.pk)


def _note_use(row: PackagePatch, now: datetime) -> None:
    if now - row.used > _NOTED:
        PackagePatch.objects.filter(pk=row.pk).update(used=now)


def _is_lost(row: PackagePatch) -> bool:
    """Tell whether the storage has no such bytes, or another number of them."""
    return row.blob_id is not None and package_storage().size(row.blob_id) != row.size


def _forget_damaged(row: PackagePatch, now: datetime) -> bool:
    """Let a patch be made again if its stored bytes are not what they were."""
    sha256 = row.blob_id
    if sha256 is None or _is_whole(sha256):
        return False
    log.warning("a stored patch is damaged and will be made again", patch=str(row), sha256=sha256)
    PackagePatch.objects.filter(blob=sha256).update(**_unmade(now))
    drop_after_commit(sha256)
    row.blob_id = None
    return True


def _forget_inexact(row: PackagePatch, now: datetime) -> bool:
    """Let a patch that gave an agent something else be made again, with no level believed."""
    sha256 = row.blob_id
    if sha256 is None or row.is_exact or row.form == FILES:
        return False
    log.warning("a patch gave something else and will be made exact", patch=str(row), sha256=sha256)
    PackagePatch.objects.filter(pk=row.pk, blob=sha256).update(**_unmade(now), is_exact=True)
    drop_after_commit(sha256)
    row.blob_id = None
    return True


def _unmade(now: datetime) -> dict[str, Any]:
    return {"blob": None, "size": 0, "attempts": 0, "due": now, "claimed": now}


def _is_whole(sha256: str) -> bool:
    digest = hashlib.sha256()
    try:
        for piece in package_storage().open(sha256):
            digest.update(piece)
    except (BlobMissing, StorageFailed):
        return False
    return digest.hexdigest() == sha256
