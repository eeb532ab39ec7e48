"""Restoring a backup into an empty database, and its files into the storage."""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.apps import apps as all_apps
from django.db import IntegrityError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.resealing.settings import MASTER_KEY_PROBE
from deployments.base.secrets import SecretUnreadable, open_text
from octopus_site.backup import tables
from octopus_site.backup.archive import ArchiveReader, Manifest
from octopus_site.backup.stored import is_stored, storage_in_words
from octopus_site.backup.writing import Report
from packages_feed.storage import PackageStorage

Step = tuple[str, str]
# A process of the server says that it is there every few seconds.
_SEEN_WITHIN: Final = timedelta(seconds=30)
_MOST_NAMED: Final = 5
_OF_SQLITE: Final = ("sqlite_stat1", "sqlite_stat4")


def require_restorable(archive: ArchiveReader, target: BaseDatabaseWrapper) -> None:
    """Check key and version before anything is touched. Raises Invalid."""
    _require_master_key(archive.manifest)
    _require_known_version(archive.manifest, target)


def require_empty(target: BaseDatabaseWrapper, *, force: bool, clock: Clock = utc_now) -> None:
    """Check that nothing is lost and nobody works on the database. Raises Invalid."""
    existing = set(tables.tables_in(target))
    if "server_tasks_servernode" in existing:
        since = clock() - _SEEN_WITHIN
        seen = _first(target, "SELECT max(last_seen) FROM server_tasks_servernode")
        if seen is not None and tables.moment(seen) > since:
            raise Invalid("a server works on this database. Stop it, and try again in a minute.")
    if force:
        return
    if foreign := sorted(existing - _own_tables()):
        raise Invalid(
            f"the database is not empty: it has a table {foreign[0]}, which is not of this server."
            " Name an empty one in OCTOPUS_DATABASE_URL, or say --force to delete all that is in"
            " it."
        )
    if "access_user" in existing and _first(target, "SELECT count(*) FROM access_user"):
        raise Invalid(
            "the database is not empty: it has users. Name an empty one in OCTOPUS_DATABASE_URL,"
            " or say --force to delete all that is in it."
        )


def require_undamaged(archive: ArchiveReader) -> None:
    """Read every row and every copied file of the backup and compare the hashes. Raises Invalid."""
    for name in archive.manifest.tables:
        for _ in archive.table(name):
            pass
    for sha256, _ in archive.files():
        if archive.has_file(sha256):
            for _ in archive.file(sha256):
                pass


def restore_rows(archive: ArchiveReader, target: BaseDatabaseWrapper, report: Report) -> None:
    """Empty the database, shape it as it was, and fill it: all rows or none. Raises Invalid."""
    tables.drop_all_tables(target)
    executor = MigrationExecutor(target)
    state = executor.migrate(_last_steps(executor, archive.manifest))
    report(f"Restoring {archive.manifest.row_count} rows.")
    fill_tables(archive, state.apps, target)


def fill_tables(archive: ArchiveReader, apps: Any, target: BaseDatabaseWrapper) -> None:
    """Insert the rows of a backup by the models that its migrations make. Raises Invalid."""
    by_table = {
        tables.table_of(model): model for model in apps.get_models(include_auto_created=True)
    }
    try:
        with transaction.atomic(using=target.alias):
            for name in archive.manifest.tables:
                if name not in by_table:
                    raise Invalid(f"the backup has a table {name}, which its migrations do not.")
                _fill(archive, name, by_table[name], target)
    except IntegrityError as error:
        raise Invalid(f"the rows of the backup do not fit together: {error}") from error


def absent_files(
    archive: ArchiveReader, storage: PackageStorage, *, check_hashes: bool
) -> Iterator[str]:
    """Yield the SHA-256 of files that neither the backup nor the storage has as they were."""
    for sha256, size in archive.files():
        if archive.has_file(sha256):
            continue
        if not is_stored(storage, sha256, size, check_hash=check_hashes):
            yield sha256


def require_files(absent: list[str], *, count: int) -> None:
    """Raise Invalid that names files which are not there."""
    if not absent:
        return
    named = ", ".join(absent[:_MOST_NAMED]) + (", …" if len(absent) > _MOST_NAMED else "")
    raise Invalid(
        f"{len(absent)} of {count} packages, artifacts and logs are not in the storage, or are not"
        f" what was stored: {named}. Copy them there, or say --without-missing-files."
    )


def restore_files(archive: ArchiveReader, storage: PackageStorage, *, check_hashes: bool) -> int:
    """Put those copied files into the storage that it does not have as they were; count them.

    Raises Invalid. Files are addressed by their content: what is put there harms no other server.
    """
    count = 0
    for sha256, size in archive.files():
        if not archive.has_file(sha256):
            continue
        if is_stored(storage, sha256, size, check_hash=check_hashes):
            continue
        with (
            storage_in_words(),
            tempfile.NamedTemporaryFile(dir=storage.spool_folder) as spooled,
        ):
            for piece in archive.file(sha256):
                spooled.write(piece)
            spooled.flush()
            storage.delete(sha256)  # other bytes under this name: `put` would keep them
            storage.put(Path(spooled.name), sha256)
        count += 1
    return count


def _fill(
    archive: ArchiveReader, name: str, model: type[models.Model], target: BaseDatabaseWrapper
) -> None:
    table = archive.manifest.tables[name]
    with target.cursor() as cursor:
        # What migrations put into empty tables stands in the backup as well.
        cursor.execute(f"DELETE FROM {target.ops.quote_name(name)}")  # noqa: S608 a name of ours
    try:
        tables.write_rows(model, table.columns, archive.table(name), target)
    except LookupError as error:
        raise Invalid(f"the table {name} has no column {error} in this version.") from error
    tables.set_last_number(model, table.last_number, target)


def steps_of(manifest: Manifest, on_disk: Mapping[Step, Migration]) -> set[Step]:
    """Return the migrations of this version that had shaped the backup. Raises LookupError.

    One that has replaced several others counts when all of those were there.
    """
    said = {(app, name) for app, name in manifest.migrations}
    replacing = {key: set(each.replaces) for key, each in on_disk.items() if each.replaces}
    steps = said & set(on_disk) | {key for key, replaced in replacing.items() if replaced <= said}
    known = steps.union(*(replacing.get(key, set()) for key in steps))
    for app, name in sorted(said - known):
        raise LookupError(f"{app}.{name}")
    return steps


def _last_steps(executor: MigrationExecutor, manifest: Manifest) -> list[Step]:
    """Return the steps that no other step of the backup builds on; they bring the others along."""
    nodes = executor.loader.graph.node_map
    done = steps_of(manifest, executor.loader.disk_migrations) & set(nodes)
    return sorted(
        key for key in done if not any(child.key in done for child in nodes[key].children)
    )


def _require_master_key(manifest: Manifest) -> None:
    try:
        open_text(manifest.probe, place=MASTER_KEY_PROBE)
    except (SecretUnreadable, ValueError) as error:
        raise Invalid(
            "the backup was made with another master key. Set OCTOPUS_MASTER_KEY to the one of that"
            " server; without it the secrets in the backup cannot be read."
        ) from error


def _require_known_version(manifest: Manifest, target: BaseDatabaseWrapper) -> None:
    try:
        steps_of(manifest, MigrationLoader(target).disk_migrations)
    except LookupError as error:
        raise Invalid(
            f"the backup was made by version {manifest.version}, whose database this one does not"
            f" know (migration {error}). Install that version; it can be upgraded afterwards."
        ) from error


def _own_tables() -> set[str]:
    """Return the tables that a server makes, and those that SQLite keeps for itself."""
    models_of_all = all_apps.get_models(include_auto_created=True)
    return {"django_migrations", *_OF_SQLITE, *map(tables.table_of, models_of_all)}


def _first(target: BaseDatabaseWrapper, sql: str) -> Any:
    with target.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]
