"""Rows made anew from what the stored packages say of themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from django.db import transaction

from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.querysets import SpaceQuerySet
from packages_feed.ingest import (
    Limits,
    PackageDescription,
    Spool,
    current_limits,
    describe_file,
    spool_stream,
)
from packages_feed.ingest.inspect import NUPKG
from packages_feed.models import PackageVersion
from packages_feed.services.blobs import is_used, lock_bytes, store_bytes
from packages_feed.services.latest import add_latest, find_latest
from packages_feed.services.store import identity_of
from packages_feed.storage import BlobMissing, PackageStorage
from packages_feed.storage.reader import SeekableBlob

_ROWS_AT_ONCE: Final = 200
_IDENTITY: Final = {"package_id", "version", "extension"}


@dataclass(frozen=True, slots=True)
class Reread:
    """A version whose file was read: what of its row was changed, or why nothing could be."""

    version: PackageVersion
    changed: tuple[str, ...] = ()
    problem: str = ""


def reread_versions(*, actor: Actor, after: int = 0, clock: Clock = utc_now) -> Iterator[Reread]:
    """Read the manifest of every version beyond the row `after` and correct what rows say of it.

    Id, version and extension are what the package was pushed as and stay. Raises StorageFailed.
    """
    limits = current_limits()
    while True:
        rows = _everything().filter(pk__gt=after).order_by("pk").select_related("space")
        page = list(rows[:_ROWS_AT_ONCE])
        for row in page:
            yield _reread(actor, row, limits, clock)
        if len(page) < _ROWS_AT_ONCE:
            return
        after = page[-1].pk


def count_versions() -> int:
    """Return how many versions there are in all feeds."""
    return _everything().count()


def _everything() -> SpaceQuerySet[PackageVersion]:
    return PackageVersion.objects.unscoped(reason="the storage is shared by all spaces")


def _reread(actor: Actor, row: PackageVersion, limits: Limits, clock: Clock) -> Reread:
    name = f"{row.package_id}.{row.version}{row.extension}"
    try:
        described = describe_file(_opened(row.blob_id, row.size), row.size, name, limits)
    except BlobMissing:
        return Reread(row, problem="its file is missing in the storage")
    except OSError:
        return Reread(row, problem="its file cannot be read")
    except Invalid as error:
        return Reread(row, problem=error.errors[0] if error.errors else error.message)
    told = identity_of(described)
    if (told["id_lower"], told["version_lower"]) != (row.id_lower, row.version_lower):
        return Reread(row, problem=f"its file says {described.package_id} {told['version']}")
    new = {key: value for key, value in told.items() if key not in _IDENTITY}
    changed = {key: value for key, value in new.items() if getattr(row, key) != value}
    if not changed:
        return Reread(row)
    with transaction.atomic():
        if not _change(row, changed):
            return Reread(row)  # deleted or replaced meanwhile
        events.record(
            actor=actor,
            space=row.space,
            category="Modified",
            message=f"Package {row} was read anew from its file",
            subject=row.wire_id,
            related=[f"packages-{row.package_id}"],
            before={key: getattr(row, key) for key in changed},
            after=changed,
            clock=clock,
        )
    return Reread(row, tuple(sorted(changed)))


def _change(row: PackageVersion, changed: dict[str, Any]) -> bool:
    rows = PackageVersion.objects.in_space(row.space).filter(pk=row.pk, blob=row.blob_id)
    if not rows.update(**changed):
        return False
    find_latest(row.space, [row.id_lower])
    return True


def adopt_packages(
    *, actor: Actor, space: Space, storage: PackageStorage, clock: Clock = utc_now
) -> Iterator[PackageVersion]:
    """Add the NuGet packages of the storage that nothing names to the feed of the space.

    Other archives do not say what they are. A version that the feed has already stays as it is.
    No event tells that something was pushed, so no trigger makes a release. Raises StorageFailed.
    """
    limits = current_limits()
    for file in storage.files():
        if is_used(file.sha256):
            continue
        try:
            described = describe_file(_opened(file.sha256, file.size), file.size, NUPKG, limits)
            adopted = _adopt(actor, space, storage, described, file.sha256, clock)
        except (BlobMissing, Invalid, OSError):
            continue  # no package, gone meanwhile, or damaged
        if adopted is not None:
            yield adopted


def _adopt(
    actor: Actor,
    space: Space,
    storage: PackageStorage,
    described: PackageDescription,
    sha256: str,
    clock: Clock,
) -> PackageVersion | None:
    values = identity_of(described)
    own = PackageVersion.objects.in_space(space)
    if own.filter(id_lower=values["id_lower"], version_lower=values["version_lower"]).exists():
        return None
    with Spool(storage.spool_folder, limit=current_limits().package) as spool:
        upload = spool_stream(spool, storage.open(sha256))
        if upload.sha256 != sha256:
            return None
        store_bytes(upload, clock=clock)
        with transaction.atomic():
            blob = lock_bytes(upload, clock=clock)
            row, is_new = own.get_or_create(
                id_lower=values.pop("id_lower"),
                version_lower=values.pop("version_lower"),
                defaults={
                    **values,
                    "space": space,
                    "blob": blob,
                    "size": upload.size,
                    "sha1": upload.sha1,
                    "sha512": upload.sha512,
                    "published": clock(),
                },
            )
            if not is_new:
                return None
            add_latest(row)
            events.record(
                actor=actor,
                space=space,
                category="Created",
                message=f"Package {row} was found in the storage and added to the feed",
                subject=row.wire_id,
                related=[f"packages-{row.package_id}"],
                after={"Hash": row.sha1, "Size": row.size},
                clock=clock,
            )
    return row


def _opened(sha256: str, size: int) -> BinaryIO:
    return cast("BinaryIO", SeekableBlob(sha256, size))
