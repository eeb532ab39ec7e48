"""Bringing packages of external feeds into the storage, where agents get them by their hash."""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Q

from agent.versions import Version, try_read_version
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, OctopusError
from deployments.base.wake import wake
from packages_feed.ingest import Spool, Spooled, current_limits, describe_package, spool_stream
from packages_feed.ingest.inspect import NUPKG
from packages_feed.models import Feed, FetchedPackage, StoredBlob
from packages_feed.services.asking import source_of
from packages_feed.services.blobs import drop_after_commit, lock_bytes, store_bytes
from packages_feed.sources import NotThere, Opened, SourceFailed
from packages_feed.storage import package_storage

log = structlog.get_logger(__name__)

FETCH: Final = "packages_feed.fetch"
ATTEMPTS: Final = 5
# After the first failure this long, after the second twice as long, and so on.
PAUSE: Final = timedelta(seconds=10)
KEPT: Final = timedelta(days=30)
_CLAIM: Final = timedelta(minutes=15)
_RENEWED: Final = timedelta(minutes=1)
# How exactly it is known when a package was wanted last.
_NOTED: Final = timedelta(hours=1)
_LONGEST_S: Final = 3600.0
_LONGEST_ID: Final = 300
_LONGEST_VERSION: Final = 350


def want_package(
    feed: Feed,
    package_id: str,
    version: str,
    *,
    since: datetime,
    anew: bool = False,
    clock: Clock = utc_now,
) -> tuple[FetchedPackage, bool]:
    """Return what is known of a package of an external feed, and have it fetched if it is not here.

    The flag says whether that begins only now. What was given up before `since` is tried again, and
    with `anew` also what was fetched before it.
    """
    now, parsed = clock(), try_read_version(version, feed.version_scheme)
    if len(package_id) > _LONGEST_ID or len(version) > _LONGEST_VERSION:
        raise Invalid(f"The name of the package {package_id[:100]}… {version[:50]} is too long.")
    with transaction.atomic():
        row, is_new = FetchedPackage.objects.get_or_create(
            feed=feed,
            id_lower=package_id.lower(),
            version_lower=parsed.key if parsed else version.lower(),
            defaults={"package_id": package_id, "version": version, "used": now, "due": now},
        )
        # Never the whole row: a worker may be writing what became of its attempt.
        own = FetchedPackage.objects.filter(pk=row.pk)
        old, fetched = Q(given_up__lt=since), row.blob_id if anew else None
        if fetched is not None:
            old |= Q(blob=fetched, blob__stored__lt=since)
        is_again = (row.given_up is not None or fetched is not None) and bool(
            own.filter(old).update(blob=None, given_up=None, attempts=0, problem="", due=now)
        )
        if is_again and fetched is not None:
            # Tasks that have it in their plan keep its bytes for a day.
            StoredBlob.objects.filter(pk=fetched).update(stored=now)
        if is_again:
            row.refresh_from_db()
        if now - row.used > _NOTED:
            own.update(used=now)
        # Nothing to do while a worker has it, or before its next attempt.
        if row.blob_id is None and row.given_up is None and row.due <= now:
            wake(FETCH, row.pk)
    return row, is_new or is_again


def fetch_package(number: int, *, clock: Clock = utc_now) -> None:
    """Fetch a wanted package unless another worker does, or its next attempt is still to come."""
    now = clock()
    rows = FetchedPackage.objects.filter(pk=number)
    due = rows.filter(blob=None, given_up=None, due__lte=now)
    if not due.update(due=now + _CLAIM):
        return
    row = rows.select_related("feed__space").get()
    try:
        _fetch(row, clock)
    except (OctopusError, OSError) as error:
        log.warning("a package was not fetched", package=str(row), error=str(error))
        _note_failure(row, str(error), clock, is_final=isinstance(error, NotThere | Invalid))
    except Exception as error:  # whatever a feed sends, no deployment may wait for ever
        log.exception("a package cannot be fetched", package=str(row))
        _note_failure(row, f"It failed in the server ({type(error).__name__}).", clock)


def forget_unused(*, clock: Clock = utc_now) -> int:
    """Drop packages that no deployment has wanted for a month; return how many."""
    old = FetchedPackage.objects.filter(used__lt=clock() - KEPT)
    count = 0
    for pk, sha256 in list(old.values_list("pk", "blob_id")):
        with transaction.atomic():
            # Unless a deployment has wanted it meanwhile.
            gone, _ = old.filter(pk=pk).delete()
            count += gone
            if gone and sha256 is not None:
                drop_after_commit(sha256)
    return count


def _note_failure(
    row: FetchedPackage, problem: str, clock: Clock, *, is_final: bool = False
) -> None:
    attempts = row.attempts + 1
    FetchedPackage.objects.filter(pk=row.pk, blob=None).update(
        attempts=attempts,
        problem=problem,
        due=clock() + attempts * PAUSE,
        given_up=clock() if is_final or attempts >= ATTEMPTS else None,
    )


def _fetch(row: FetchedPackage, clock: Clock) -> None:
    limits = current_limits()
    source = source_of(row.feed)
    with (
        Spool(package_storage().spool_folder, limit=limits.package) as spool,
        source.open(row.package_id, row.version) as opened,
    ):
        upload = spool_stream(spool, _in_time(row, opened.pieces, clock))
        _keep_claim(row, clock())
        _check(row, opened, upload)
        _keep_claim(row, clock())
        store_bytes(upload, clock=clock)
        try:
            with transaction.atomic():
                blob = lock_bytes(upload, clock=clock)
                FetchedPackage.objects.filter(pk=row.pk).update(
                    blob=blob, extension=opened.extension.lower(), size=upload.size, problem=""
                )
        except BaseException:
            drop_after_commit(upload.sha256)
            raise


def _check(row: FetchedPackage, opened: Opened, upload: Spooled) -> None:
    """Raise unless the bytes are whole, and the archive that was asked for."""
    hashes = {"sha1": upload.sha1, "sha256": upload.sha256, "sha512": upload.sha512}
    for name, expected in opened.checksums.items():
        if hashes[name] != expected:
            raise SourceFailed(f"What came of {row} does not have the {name} that the feed names.")
    extension = opened.extension.lower()
    described = describe_package(upload, f"package.1.0.0{extension}", current_limits())
    if extension == NUPKG and (
        described.package_id.lower() != row.id_lower
        or described.version != Version.try_parse(row.version)
    ):
        raise Invalid(
            f"The feed gave {described.package_id} {described.version.original} for {row}."
        )


def _in_time(row: FetchedPackage, pieces: Iterable[bytes], clock: Clock) -> Iterator[bytes]:
    """Pass the pieces on, for an hour at most, and keep the claim while they come."""
    end, kept = time.monotonic() + _LONGEST_S, clock()
    for piece in pieces:
        if time.monotonic() > end:
            raise SourceFailed(f"The download has not ended within {_LONGEST_S:g} seconds.")
        if clock() - kept > _RENEWED:
            kept = clock()
            _keep_claim(row, kept)
        yield piece


def _keep_claim(row: FetchedPackage, now: datetime) -> None:
    """Keep others away, to whom the broker gives the message again while this takes long."""
    FetchedPackage.objects.filter(pk=row.pk, blob=None).update(due=now + _CLAIM)
