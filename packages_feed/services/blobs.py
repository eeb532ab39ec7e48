"""Bytes and the rows that stand for them.

A row exists before its bytes do, or else a name in the folder of uploads, and bytes are taken away
under the row's lock; so a version never names bytes that are gone and no bytes are forgotten.
Artifacts of deployments are kept here too.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from django.db import DEFAULT_DB_ALIAS, Error, connection, models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from deployments.audit.models import EventArchive
from deployments.base.clock import Clock, utc_now
from deployments.base.rows import Together, mark_as_stored, repeating_cursor
from packages_feed.ingest import UPLOAD, Spooled
from packages_feed.models import PackageVersion, StoredBlob
from packages_feed.storage import MOST_CONTENT, StorageFailed, Writing, package_storage
from packages_feed.storage.spooling import old_files

log = structlog.get_logger(__name__)

_UNFINISHED = timedelta(days=1)
_WRITE: Final = """
INSERT INTO packages_feed_storedblob (sha256, size, stored) SELECT %s, %s, %s {table}
WHERE {condition} ON CONFLICT (sha256) DO UPDATE SET stored = excluded.stored RETURNING sha256
"""
_NO_VERSION: Final = """
NOT EXISTS (SELECT 1 FROM packages_feed_packageversion
WHERE space_id = %s AND id_lower = %s AND version_lower = %s)
"""
_UNHURRIED: Final = "FROM (SELECT set_config('synchronous_commit', 'off', TRUE)) AS unhurried"


def hashed(path: Path) -> Spooled:
    """Return a whole file as an upload, with the hash that addresses it."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Spooled(path=path, size=path.stat().st_size, sha1="", sha256=sha256, sha512="")


def store_bytes(upload: Spooled, *, clock: Clock = utc_now) -> None:
    """Store the upload's bytes, and first the row that makes them findable."""
    _write_row(upload.sha256, upload.size, clock())
    package_storage().put(upload.path, upload.sha256)


def announce_bytes(
    upload: Spooled, *, unless: PackageVersion | None = None, clock: Clock = utc_now
) -> bool:
    """Write the row that makes the bytes findable, which are to be stored next.

    Not when the feed has the version `unless`, of which it tells by False.
    """
    return _write_row(upload.sha256, upload.size, clock(), unless)


@contextmanager
def begun(upload: Spooled) -> Iterator[Writing | None]:
    """Begin to store a small upload beside the block, whatever becomes of it; see `take_back`.

    Until its version is committed its file is there under the name of the upload, too, in which
    `sweep_uploads` looks after a process that has died: no row need make it findable before. None
    for other uploads; their file is here.
    """
    if upload.content is None:
        yield None
        return
    writing = package_storage().begin(upload.path, upload.sha256, upload.content)
    if writing is None:
        _write_held(upload)
        yield None
        return
    with writing:
        yield writing


def make_sure_of(upload: Spooled, writing: Writing | None) -> None:
    """Make sure of the bytes while their row is locked; they are on the disk then.

    A deletion may have come before the lock, and what was begun may have failed.
    """
    if writing is not None:
        if writing.is_placed() and writing.has_place():
            return
        _write_held(upload)
    put_again(upload)


def lock_bytes(upload: Spooled, *, clock: Clock = utc_now) -> StoredBlob:
    """Return the row, locked for the caller's transaction, with its bytes surely there."""
    blob = lock_row(upload, clock=clock)
    put_again(upload)
    return blob


def lock_row(upload: Spooled, *, clock: Clock = utc_now) -> StoredBlob:
    """Return the row, locked for the caller's transaction; `put_again` is to come next."""
    now = clock()
    _write_row(upload.sha256, upload.size, now)
    blob = StoredBlob(sha256=upload.sha256, size=upload.size, stored=now)
    mark_as_stored(blob)
    return blob


def lock_row_of(act: Together, upload: Spooled, *, clock: Clock = utc_now) -> None:
    """Let the part `blob` of the act do what `lock_row` does."""
    act.add("blob", *_statement(upload.sha256, upload.size, clock()))


def put_again(upload: Spooled) -> None:
    """Make sure of the bytes, so also while their row is locked: a deletion may have come."""
    package_storage().put(upload.path, upload.sha256)


def drop_if_unused(sha256: str) -> bool:
    """Delete the bytes and their row when no version names them."""
    with transaction.atomic():
        return _lock(sha256) and _drop_locked(sha256)


def take_back(upload: Spooled) -> None:
    """Delete what is stored of an upload that failed, unless something names it.

    What cannot be deleted now is left for the sweep: by its row, or else by its file.
    """

    def take() -> None:
        try:
            if package_storage().size(upload.sha256) is not None:
                take_away_orphan(upload.sha256, upload.size)
        except (StorageFailed, Error) as error:
            log.warning("bytes of a failed upload are left", sha256=upload.sha256, error=str(error))
            if upload.content is not None:
                with suppress(OSError):
                    upload.path.rename(upload.path.with_suffix(".left"))

    if connection.in_atomic_block:
        transaction.on_commit(take, robust=True)
    else:
        # `on_commit` would ask the database first, which may have gone.
        connection.close_if_unusable_or_obsolete()
        take()


def drop_after_commit(sha256: str) -> None:
    """Delete the bytes once the transaction has committed; what fails is left for the sweep."""

    def drop() -> None:
        try:
            drop_if_unused(sha256)
        except StorageFailed as error:
            log.warning("unused package bytes not deleted yet", sha256=sha256, error=str(error))

    transaction.on_commit(drop, robust=True)


def is_used(sha256: str) -> bool:
    """Tell whether a row of any kind, in any space, names the bytes."""
    return StoredBlob.objects.filter(_used(DEFAULT_DB_ALIAS), pk=sha256).exists()


def users_of(sha256: str, *, most: int = 5) -> list[str]:
    """Return what names the bytes, in words, as far as it says its name."""
    users: list[str] = []
    for relation in StoredBlob._meta.related_objects:  # noqa: SLF001 Django's documented API
        rows: QuerySet[Any] = QuerySet(model=relation.related_model)
        found = rows.filter(**{relation.field.name: sha256})[: most - len(users)]
        users += [f"{relation.related_model._meta.verbose_name} {row}" for row in found]  # noqa: SLF001 likewise
    return users


def take_away_damaged(sha256: str) -> None:
    """Delete bytes that are not what their hash says; their row stays for the next upload."""
    with transaction.atomic():
        _lock(sha256)
        package_storage().delete(sha256)


def take_away_orphan(sha256: str, size: int, *, clock: Clock = utc_now) -> bool:
    """Delete bytes that no row stands for; False when one does by now."""
    with transaction.atomic():
        _write_row(sha256, size, clock())
        return _drop_locked(sha256)


def sweep_unused_blobs(*, clock: Clock = utc_now) -> int:
    """Delete the bytes that uploads and deletions left behind more than a day ago."""
    old = StoredBlob.objects.filter(stored__lt=clock() - _UNFINISHED)
    old = old.filter(**{f"{name}__isnull": True for name in _users()})
    old = old.exclude(pk__in=_archives().values("sha256"))
    return sum(drop_if_unused(sha256) for sha256 in list(old.values_list("pk", flat=True)))


def used_blobs(alias: str = DEFAULT_DB_ALIAS) -> Iterator[tuple[str, int]]:
    """Yield SHA-256 and size of all bytes that a row of any kind, in any space, names."""
    rows = StoredBlob.objects.using(alias).filter(_used(alias)).order_by("pk")
    yield from rows.values_list("sha256", "size").iterator(chunk_size=2000)


def sweep_uploads(*, clock: Clock = utc_now) -> int:
    """Delete what uploads that never ended have left behind; return how many."""
    storage, before = package_storage(), clock() - _UNFINISHED
    for path in old_files(storage.spool_folder, before):
        with suppress(FileNotFoundError):
            if path.name.startswith(UPLOAD) and path.stat().st_size <= MOST_CONTENT:
                # It may have its place as well, and nothing that names it.
                upload = hashed(path)
                take_away_orphan(upload.sha256, upload.size, clock=clock)
    return storage.drop_unfinished(before)


def _write_held(upload: Spooled) -> None:
    try:
        upload.write_held()
    except OSError as error:
        raise StorageFailed(f"The package could not be stored: {error.strerror}.") from error


def _write_row(sha256: str, size: int, now: datetime, unless: PackageVersion | None = None) -> bool:
    """Write the row of the bytes, new or not; it stays locked until the transaction ends.

    Tells whether it did: not when the version is there. Outside a transaction nobody waits until
    it is on the disk: what is committed afterwards is so only together with it, and if the machine
    dies before that, verifying the storage finds bytes that no row stands for.
    """
    alone = connection.vendor == "postgresql" and not connection.in_atomic_block
    with repeating_cursor() as cursor:
        cursor.execute(*_statement(sha256, size, now, _UNHURRIED if alone else "", unless))
        return cursor.fetchone() is not None


def _statement(
    sha256: str, size: int, now: datetime, table: str = "", unless: PackageVersion | None = None
) -> tuple[str, list[Any]]:
    stored: Any = StoredBlob._meta.get_field("stored")  # noqa: SLF001 Django's documented API
    values = [sha256, size, stored.get_db_prep_save(now, connection)]
    if unless is None:
        return _WRITE.format(table=table, condition="TRUE"), values
    values += [unless.space_id, unless.id_lower, unless.version_lower]
    return _WRITE.format(table=table, condition=_NO_VERSION), values


def _lock(sha256: str) -> bool:
    """Hold the row until the transaction ends; an update does so on every database."""
    return bool(StoredBlob.objects.filter(sha256=sha256).update(size=models.F("size")))


def _drop_locked(sha256: str) -> bool:
    """Delete the bytes and their row, which is locked, unless something names them."""
    if is_used(sha256):
        return False
    package_storage().delete(sha256)
    with connection.cursor() as cursor:
        # Django would look for what names it once more, by a query for each kind.
        cursor.execute("DELETE FROM packages_feed_storedblob WHERE sha256 = %s", [sha256])
    return True


def _used(alias: str) -> Q:
    """Return what is true of the rows that a row of any kind, in any space, points to."""
    used = Q(pk__in=_archives().using(alias).values("sha256"))
    for relation in StoredBlob._meta.related_objects:  # noqa: SLF001 Django's documented API
        users: QuerySet[Any] = QuerySet(model=relation.related_model, using=alias)
        used |= Q(Exists(users.filter(**{relation.field.name: OuterRef("pk")})))
    return used


def _archives() -> "models.QuerySet[EventArchive]":
    """Return the archives of the audit, which name their bytes from a lower floor."""
    return EventArchive.objects.filter(deleted=None)


def _users() -> list[str]:
    """Return the names by which Django knows what may point to stored bytes."""
    return [relation.name for relation in StoredBlob._meta.related_objects]  # noqa: SLF001 Django's documented API
