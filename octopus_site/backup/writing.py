"""Writing a backup of a server that may be running."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.db import connection, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from agent.version import VERSION
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import record
from deployments.base.resealing.settings import MASTER_KEY_PROBE
from deployments.base.settings_rows import get_setting, set_setting
from octopus_site.backup import tables
from octopus_site.backup.archive import ArchiveWriter, Manifest, Table, new_archive
from octopus_site.backup.snapshot import database_snapshot
from octopus_site.backup.stored import read_stored
from octopus_site.seed import INSTALLATION_ID
from packages_feed.services.blobs import used_blobs
from packages_feed.storage import BlobMissing, package_storage

Report = Callable[[str], None]
LAST_BACKUP = "backup.last"
# Who is signed in: after a restore people sign in again.
LEFT_OUT = frozenset({"access_browsersession", "django_session"})


def write_backup(
    path: Path, *, with_files: bool, report: Report, clock: Clock = utc_now
) -> Manifest:
    """Write a backup of one moment; nothing is locked meanwhile. Raises Invalid."""
    with new_archive(path) as archive, database_snapshot(connection) as snapshot:
        manifest = write_contents(archive, snapshot, with_files=with_files, clock=clock)
    report(f"{len(manifest.tables)} tables, {manifest.files.lines} packages, artifacts and logs.")
    remember_backup(manifest, path.stat().st_size, clock=clock)
    return manifest


def write_contents(
    archive: ArchiveWriter, source: BaseDatabaseWrapper, *, with_files: bool, clock: Clock
) -> Manifest:
    """Write every table of a database, with files also those, and the manifest."""
    created = clock()
    written = {}
    for model in backed_up_models():
        columns = [field.column for field in tables.columns_of(model)]
        rows = archive.table(tables.table_of(model), tables.read_rows(model, source.alias))
        number = tables.last_number(model, source)
        written[tables.table_of(model)] = Table(columns, rows, number)
    files = archive.files(used_blobs(source.alias))
    manifest = Manifest(
        version=VERSION,
        created=created.isoformat(),
        database=source.vendor,
        installation_id=str(get_setting(INSTALLATION_ID, alias=source.alias)),
        probe=str(get_setting(MASTER_KEY_PROBE, alias=source.alias)),
        migrations=sorted(map(list, MigrationRecorder(source).applied_migrations())),
        tables=written,
        files=files,
        has_files=with_files,
        missing=list(_copied(archive, source)) if with_files else [],
    )
    archive.manifest(manifest)
    return manifest


def backed_up_models() -> list[type[models.Model]]:
    """Return the models of every table that a backup has."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed  # noqa: SLF001 Django's public name
        and not model._meta.proxy  # noqa: SLF001 Django's public name
        and tables.table_of(model) not in LEFT_OUT
    ]


@dataclass(frozen=True, slots=True)
class LastBackup:
    """The last backup, as the server remembers it."""

    when: str
    size: int
    files: int
    has_files: bool
    missing: int


def remember_backup(manifest: Manifest, size: int, *, clock: Clock = utc_now) -> None:
    """Keep on record that there was a backup."""
    kept = {
        "when": manifest.created,
        "size": size,
        "files": manifest.files.lines,
        "has_files": manifest.has_files,
        "missing": len(manifest.missing),
    }
    with transaction.atomic():
        set_setting(LAST_BACKUP, kept)
        record(
            actor=Actor.system("octopus-server backup"),
            space=None,
            category="BackupMade",
            message=f"A backup of {manifest.row_count} rows was made",
            subject="backup",
            clock=clock,
        )


def last_backup() -> LastBackup | None:
    """Return the last backup that was made of this server, or None."""
    kept = get_setting(LAST_BACKUP)
    return None if kept is None else LastBackup(**kept)


def _copied(archive: ArchiveWriter, source: BaseDatabaseWrapper) -> Iterator[str]:
    """Copy every file; yield the SHA-256 of those that are gone or have been altered."""
    storage = package_storage()
    for sha256, _ in used_blobs(source.alias):
        try:
            pieces = read_stored(storage, sha256)
        except BlobMissing:
            yield sha256
        else:
            if not archive.file(sha256, pieces):
                yield sha256
