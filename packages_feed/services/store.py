"""Storing one uploaded package."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, BinaryIO

from django.db import transaction

from agent.versions import PackageFileName, Version
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Conflict, Invalid
from deployments.base.events import record_news
from deployments.base.models import Space
from deployments.base.rows import repeating_transaction
from packages_feed.ingest import (
    PackageDescription,
    Spool,
    Spooled,
    current_limits,
    describe_package,
    spool_stream,
)
from packages_feed.models import PackageVersion
from packages_feed.queries import find_exact
from packages_feed.services.adding import add_version, news_of, snapshot
from packages_feed.services.blobs import (
    announce_bytes,
    begun,
    drop_after_commit,
    is_used,
    lock_row,
    make_sure_of,
    put_again,
    take_back,
)
from packages_feed.services.clear_names import require_clear
from packages_feed.services.latest import find_latest
from packages_feed.services.permissions import require_for_package, require_somewhere
from packages_feed.services.retention import hold_numbers
from packages_feed.storage import Writing, package_storage


class OverwriteMode(StrEnum):
    """What to do when the package is there already."""

    FAIL = "FailIfExists"
    IGNORE = "IgnoreIfExists"
    OVERWRITE = "OverwriteExisting"

    @classmethod
    def parse(cls, text: str) -> "OverwriteMode":
        """Read the spellings that clients use; raises Invalid."""
        spelled = {
            "": cls.FAIL,
            "fail": cls.FAIL,
            "false": cls.FAIL,
            "ignore": cls.IGNORE,
            "overwrite": cls.OVERWRITE,
            "replace": cls.OVERWRITE,
            "true": cls.OVERWRITE,
            **{mode.value.lower(): mode for mode in cls},
        }
        if text.lower() not in spelled:
            raise Invalid(f"The overwrite mode must be one of {', '.join(cls)}.")
        return spelled[text.lower()]


class Outcome(StrEnum):
    CREATED = "created"
    IGNORED = "ignored"
    REPLACED = "replaced"


@dataclass(frozen=True)
class Stored:
    """The version that is in the feed now, and what the upload did to it."""

    version: PackageVersion
    outcome: Outcome


class AlreadyExists(Conflict):
    """The feed has this version, and the mode says to fail."""

    def __init__(self, version: PackageVersion, *, same_bytes: bool) -> None:
        self.same_bytes = same_bytes
        detail = " with identical content" if same_bytes else ""
        super().__init__(
            f"A package with the same name and version already exists:"
            f" {version.package_id} {version.version}{detail}."
        )


def store_package(
    *,
    actor: Actor,
    space: Space,
    file: Spooled | BinaryIO | Iterable[bytes],
    file_name: str | None,
    overwrite_mode: OverwriteMode | str = OverwriteMode.FAIL,
    meant: tuple[str, str] | None = None,
    clock: Clock = utc_now,
) -> Stored:
    """Check the file and add it to the built-in feed of the space.

    A stream is spooled first. `meant` are id and version as the sender tells them, which makes an
    ambiguous name clear. Nothing is kept of a refused package. Raises NotPermitted, Invalid,
    TooLarge, AlreadyExists, StorageFailed.
    """
    mode = OverwriteMode.parse(overwrite_mode)
    require_somewhere(actor, space, Permission.BuiltInFeedPush)
    limits = current_limits()
    spool = (
        nullcontext()
        if isinstance(file, Spooled)
        else Spool(package_storage().spool_folder, limit=limits.package)
    )
    with spool as opened:
        upload = file if isinstance(file, Spooled) else spool_stream(opened, file)  # type: ignore[arg-type]
        try:
            with begun(upload) as writing:
                described = describe_package(upload, file_name, limits)
                require_for_package(actor, space, Permission.BuiltInFeedPush, described.package_id)
                name = PackageFileName(described.package_id, described.version, described.extension)
                require_clear(space, name, meant)
                values = {**identity_of(described), **_pushed(actor, upload, clock())}
                version = PackageVersion(space=space, **values)
                if writing is None:
                    kept = _put_before(actor, version, upload, mode, clock)
                else:
                    kept = _ignored(version, upload, writing, mode)
                return kept or _store(actor, version, upload, writing, mode, clock)
        except BaseException as error:
            if not (isinstance(error, AlreadyExists) and error.same_bytes):
                take_back(upload)
            raise


def _put_before(
    actor: Actor, version: PackageVersion, upload: Spooled, mode: OverwriteMode, clock: Clock
) -> Stored | None:
    """Store the bytes while no transaction waits: one of SQLite would keep all writers waiting.

    Not for a version that stays as it is, for which this answers.
    """
    if not announce_bytes(upload, unless=version, clock=clock):
        existing = _existing(version)
        kept = _kept(actor, existing, upload, mode) if existing else None
        if kept is not None:
            return kept
        announce_bytes(upload, clock=clock)
    try:
        put_again(upload)
    except BaseException:
        drop_after_commit(upload.sha256)
        raise
    return None


def _ignored(
    version: PackageVersion, upload: Spooled, writing: Writing, mode: OverwriteMode
) -> Stored | None:
    """Answer for a version that is there and stays as it is, without a transaction."""
    existing = _existing(version) if mode is OverwriteMode.IGNORE else None
    if existing is None:
        return None
    writing.is_placed()
    if not is_used(upload.sha256):
        take_back(upload)
    return Stored(existing, Outcome.IGNORED)


def _store(
    actor: Actor,
    version: PackageVersion,
    upload: Spooled,
    writing: Writing | None,
    mode: OverwriteMode,
    clock: Clock,
) -> Stored:
    """Store the bytes and the row, or do to the row that is there what the mode says."""
    while True:
        with repeating_transaction():
            is_new = add_version(actor=actor, version=version, upload=upload, clock=clock)
            make_sure_of(upload, writing)
        if is_new:
            return Stored(version, Outcome.CREATED)
        existing = _existing(version)
        if existing is None:
            continue  # it was deleted between the two
        kept = _kept(actor, existing, upload, mode)
        if kept is not None:
            if existing.blob_id != upload.sha256:
                drop_after_commit(upload.sha256)
            return kept
        with transaction.atomic():
            lock_row(upload, clock=clock)
            make_sure_of(upload, writing)
            if hold_numbers(version.space, [existing.pk]):
                existing.refresh_from_db()  # another may have replaced it just now
                return _replace(actor, existing, version, clock)


def _existing(version: PackageVersion) -> PackageVersion | None:
    return find_exact(version.space, version.package_id, Version.parse(version.version))


def _kept(
    actor: Actor, existing: PackageVersion, upload: Spooled, mode: OverwriteMode
) -> Stored | None:
    """Answer for a version that stays as it is; None when it is to be replaced."""
    if mode is OverwriteMode.IGNORE:
        return Stored(existing, Outcome.IGNORED)
    if mode is OverwriteMode.FAIL:
        raise AlreadyExists(existing, same_bytes=existing.blob_id == upload.sha256)
    require_for_package(
        actor,
        existing.space,
        Permission.BuiltInFeedAdminister,
        existing.package_id,
        purpose="to replace a package",
    )
    return None


def _replace(
    actor: Actor, existing: PackageVersion, version: PackageVersion, clock: Clock
) -> Stored:
    before, old_blob = snapshot(existing), existing.blob_id
    version.pk = existing.pk
    version.save(force_update=True)
    find_latest(version.space, [version.id_lower])
    record_news(actor=actor, news=news_of(version, "was replaced", before=before), clock=clock)
    if old_blob != version.blob_id:
        drop_after_commit(old_blob)
    return Stored(version, Outcome.REPLACED)


def identity_of(described: PackageDescription) -> dict[str, Any]:
    """Return what a row says of the package itself, whoever pushed it."""
    version = described.version
    words = (described.package_id, described.title, described.description, described.tags)
    return {
        "package_id": described.package_id,
        "id_lower": described.package_id.lower(),
        "version": version.original,
        "version_lower": version.key,
        "version_key": version.sort_key,
        "is_prerelease": version.is_prerelease,
        "is_semver2": described.is_semver2,
        "extension": described.extension,
        "title": described.title,
        "description": described.description,
        "tags": described.tags,
        "search_text": "\n".join(words).lower(),
        "package_types": f",{','.join(described.package_types)},".lower(),
        "metadata": described.metadata,
    }


def _pushed(actor: Actor, upload: Spooled, now: datetime) -> dict[str, Any]:
    return {
        "blob_id": upload.sha256,
        "size": upload.size,
        "sha1": upload.sha1,
        "sha512": upload.sha512,
        "published": now,
        "published_by": actor.username[:100],
    }
