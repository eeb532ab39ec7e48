"""`octopus-server backup` and `octopus-server restore` from the first check to the last word."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from deployments.access.services.maintenance import set_maintenance
from deployments.base.actor import Actor
from deployments.base.events import record
from octopus_site.backup import restoring
from octopus_site.backup.archive import Manifest, opened_archive
from octopus_site.backup.writing import write_backup
from octopus_site.up.preflight import prepare_data_folder
from packages_feed.storage import package_storage

_SHOWN_HASHES: Final = 5


@dataclass(frozen=True, slots=True)
class Choices:
    """What the operator allows."""

    force: bool = False
    skip_hashes: bool = False
    without_missing_files: bool = False
    maintenance: bool = False


def back_up(path: Path, *, with_files: bool) -> int:
    """Write a backup and say what is in it; 1 when files are missing."""
    manifest = write_backup(path, with_files=with_files, report=print)
    print(f"{path} has {manifest.row_count} rows, {path.stat().st_size / 1024**2:.1f} MiB.")
    if not with_files:
        place = str(settings.OCTOPUS.storage_url).partition("?")[0]
        print(f"The files stay where they are; back up {place} as well, after this.")
    print(
        "Keep the master key (OCTOPUS_MASTER_KEY or master.key) apart from the backup: without it"
        " no secret in it can be read."
    )
    if manifest.missing:
        named = ", ".join(manifest.missing[:_SHOWN_HASHES])
        print(
            f"{len(manifest.missing)} files are gone from the storage, or have been altered there:"
            f" {named}"
        )
    return 1 if manifest.missing else 0


def restore_backup(path: Path, choices: Choices) -> int:
    """Restore a backup; whatever can be refused is refused before anything changes."""
    lock = prepare_data_folder(settings.OCTOPUS.data_dir)
    try:
        with opened_archive(path) as archive:
            restoring.require_restorable(archive, connection)
            restoring.require_empty(connection, force=choices.force)
            storage = package_storage()
            absent = list(
                restoring.absent_files(archive, storage, check_hashes=not choices.skip_hashes)
            )
            if not choices.without_missing_files:
                restoring.require_files(absent, count=archive.manifest.files.lines)
            restoring.require_undamaged(archive)
            copied = restoring.restore_files(archive, storage, check_hashes=not choices.skip_hashes)
            restoring.restore_rows(archive, connection, print)
            _bring_up_to_date(archive.manifest, choices)
    finally:
        os.close(lock)
    print(f"Restored what version {archive.manifest.version} had at {archive.manifest.created}.")
    print(f"{copied} files were put into the storage, {len(absent)} are missing there.")
    print("Start the server. People have to sign in again; agents connect by themselves.")
    return 0


def _bring_up_to_date(manifest: Manifest, choices: Choices) -> None:
    call_command("migrate", verbosity=0)
    actor = Actor.system("octopus-server restore")
    record(
        actor=actor,
        space=None,
        category="BackupRestored",
        message=f"The backup of {manifest.created} was restored",
        subject="backup",
    )
    if choices.maintenance:
        set_maintenance(actor=actor, is_on=True, reason="A backup was restored.")
