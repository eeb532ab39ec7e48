"""Every row comes back as it was, from either database; what cannot work is refused before."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import JSONField, Value
from django.db.models.query import QuerySet

from deployments.access.models import BrowserSession
from deployments.audit.models import EventArchive
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.base.models import ServerSetting, Space
from deployments.base.resealing.settings import MASTER_KEY_PROBE
from deployments.base.settings_rows import set_setting
from deployments.base.sqlite.base import DatabaseWrapper
from deployments.execution.models import AgentMessage
from deployments.server_tasks.models import ServerTask
from octopus_site.backup import restoring
from octopus_site.backup.archive import Manifest, new_archive, opened_archive
from octopus_site.backup.snapshot import database_snapshot
from octopus_site.backup.tables import drop_all_tables, tables_in
from octopus_site.backup.writing import last_backup, remember_backup, write_contents
from packages_feed.models import StoredBlob
from packages_feed.services.blobs import used_blobs
from packages_feed.storage import FileStorage, package_storage
from tests.factories.domain import make_package, script_step
from tests.factories.execution import Scene, make_scene
from tests.factories.people import make_ana
from tests.support.migrated import migrated_database
from tests.support.portal import Visitor

pytestmark = pytest.mark.django_db
# The connection itself, not Django's proxy for it.
HERE = connections["default"]


@contextmanager
def empty_database(folder: Path) -> Iterator[BaseDatabaseWrapper]:
    """Give an SQLite database that has every table and no row."""
    file = folder / "restored.sqlite3"
    shutil.copyfile(migrated_database(), file)
    with closing(sqlite3.connect(file)) as database:
        named = "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'table')"
        rows = sorted(database.execute(named), reverse=True)  # triggers go first
        for kind, name in rows:
            if kind == "trigger":
                database.execute(f'DROP TRIGGER "{name}"')
            elif name != "django_migrations":
                database.execute(f'DELETE FROM "{name}"')
        database.commit()
    settings = connections.configure_settings(
        {"default": {"ENGINE": "deployments.base.sqlite", "NAME": str(file)}}
    )
    target = DatabaseWrapper(settings["default"], "restored")
    connections["restored"] = target
    try:
        yield target
    finally:
        target.close()
        del connections["restored"]


def write(path: Path, source: BaseDatabaseWrapper, *, with_files: bool = False) -> Manifest:
    with new_archive(path) as archive:
        return write_contents(archive, source, with_files=with_files, clock=utc_now)


def make_world() -> Scene:
    """Make rows of every kind of value: sealed bytes, UUIDs, JSON, times, deleted last rows."""
    Visitor(make_ana()).get("dashboard")
    make_package("Acme.Web", "1.0.0")
    scene = make_scene(script_step("Print", roles="web"))
    ServerSetting.objects.create(key="test.null", value=Value(None, JSONField()))
    ServerSetting.objects.create(key="test.text", value="ü \\ \" 'quoted'\n")
    return scene


def test_every_row_of_a_database_comes_back(tmp_path: Path) -> None:
    scene = make_world()
    gone = Space.objects.create(name="Gone", slug="gone")
    number = gone.pk
    gone.delete()
    before = write(tmp_path / "one.zip", HERE)
    with opened_archive(tmp_path / "one.zip") as archive, empty_database(tmp_path) as target:
        restoring.fill_tables(archive, apps, target)
        set_setting(MASTER_KEY_PROBE, "of a key that was exchanged since")
        after = write(tmp_path / "two.zip", target)
        assert (after.tables, after.probe) == (before.tables, before.probe)
        assert BrowserSession.objects.count() == 1
        assert not {"access_browsersession", "django_session"} & set(before.tables)
        assert before.tables["execution_agentmessage"].rows.lines == 1
        assert before.tables["base_space"].last_number >= number
        messages: QuerySet[AgentMessage] = QuerySet(model=AgentMessage, using=target.alias)
        assert [type(row.message_id) for row in messages] == [UUID]
        tasks: QuerySet[ServerTask] = QuerySet(model=ServerTask, using=target.alias)
        assert [row.queued for row in tasks] == [scene.task.queued]
        settings = ServerSetting.objects.using(target.alias)
        assert settings.get(pk="test.null").value is None
        new = Space.objects.using(target.alias).create(name="New", slug="new")
        assert new.pk > number


def test_rows_that_do_not_fit_together_leave_nothing(tmp_path: Path) -> None:
    make_world()
    write(tmp_path / "one.zip", HERE)
    with opened_archive(tmp_path / "one.zip") as archive, empty_database(tmp_path) as target:
        del archive.manifest.tables["base_space"]
        with pytest.raises(Invalid, match="do not fit together"):
            restoring.fill_tables(archive, apps, target)
        assert ServerSetting.objects.using(target.alias).count() == 0


def test_a_full_database_is_emptied_of_all_that_a_migration_makes(tmp_path: Path) -> None:
    if HERE.vendor == "postgresql":
        drop_all_tables(HERE)
        assert tables_in(HERE) == []
        with HERE.cursor() as cursor:
            cursor.execute("SELECT to_regproc('base_keep_events')")
            assert cursor.fetchone() == (None,)
        return
    with empty_database(tmp_path) as target:
        assert "base_event" in tables_in(target)
        drop_all_tables(target)
        assert tables_in(target) == []


def test_the_archives_of_the_audit_are_files_of_the_server() -> None:
    sha256 = "a" * 64
    StoredBlob.objects.create(sha256=sha256, size=7, stored=utc_now())
    assert list(used_blobs()) == []
    archive = EventArchive.objects.create(
        day=date(2026, 3, 1), sha256=sha256, size=7, count=1, sealed_link=b"x", created=utc_now()
    )
    assert list(used_blobs()) == [(sha256, 7)]
    EventArchive.objects.filter(pk=archive.pk).update(deleted=utc_now())
    assert list(used_blobs()) == []


def test_files_are_listed_and_copied(tmp_path: Path) -> None:
    make_package("Acme.Web", "1.0.0")
    make_package("Acme.Api", "1.0.0")
    StoredBlob.objects.create(sha256="0" * 64, size=5, stored=utc_now())  # nothing names it
    used = sorted(StoredBlob.objects.exclude(pk="0" * 64).values_list("pk", flat=True))
    write(tmp_path / "by-hash.zip", HERE)
    package_storage().delete(used[0])
    manifest = write(tmp_path / "whole.zip", HERE, with_files=True)
    assert manifest.missing == [used[0]]
    empty = FileStorage(tmp_path / "storage")
    with opened_archive(tmp_path / "by-hash.zip") as archive:
        assert list(restoring.absent_files(archive, empty, check_hashes=True)) == used
    with opened_archive(tmp_path / "whole.zip") as archive:
        absent = list(restoring.absent_files(archive, empty, check_hashes=True))
        assert absent == [used[0]]
        with pytest.raises(Invalid, match=f"1 of 2 .* {used[0]}"):
            restoring.require_files(absent, count=2)
        assert restoring.restore_files(archive, empty, check_hashes=True) == 1
    assert empty.size(used[0]) is None
    with opened_archive(tmp_path / "by-hash.zip") as archive:
        stored = empty.folder / "packages" / used[1][:2] / used[1][2:4] / used[1]
        assert list(restoring.absent_files(archive, empty, check_hashes=True)) == [used[0]]
        stored.write_bytes(bytes(stored.stat().st_size))
        assert list(restoring.absent_files(archive, empty, check_hashes=False)) == [used[0]]
        assert list(restoring.absent_files(archive, empty, check_hashes=True)) == used
    with opened_archive(tmp_path / "whole.zip") as archive:
        assert restoring.restore_files(archive, empty, check_hashes=False) == 0
        assert restoring.restore_files(archive, empty, check_hashes=True) == 1
        assert restoring.restore_files(archive, empty, check_hashes=True) == 0
    assert b"".join(empty.open(used[1])) == b"".join(package_storage().open(used[1]))


def test_a_snapshot_reads_and_never_writes() -> None:
    with database_snapshot(HERE) as snapshot:
        assert Space.objects.using(snapshot.alias).filter(is_default=True).count() == 1
        if snapshot.vendor == "postgresql":
            with pytest.raises(DatabaseError, match="read-only"):
                Space.objects.using(snapshot.alias).update(description="changed")


def test_a_database_with_users_is_not_empty() -> None:
    restoring.require_empty(HERE, force=False)
    make_ana()
    with pytest.raises(Invalid, match="not empty: it has users"):
        restoring.require_empty(HERE, force=False)
    restoring.require_empty(HERE, force=True)


def test_a_server_that_runs_keeps_its_database() -> None:
    make_scene(script_step("Print", roles="web"))  # the queue was looked at by a node
    with pytest.raises(Invalid, match="a server works on this database"):
        restoring.require_empty(HERE, force=True)
    later = utc_now() + timedelta(minutes=5)
    restoring.require_empty(HERE, force=True, clock=lambda: later)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"probe": "AAAA"}, "another master key"),
        (
            {"migrations": [["base", "9999_later"]]},
            "version 9.9, whose database .*migration base.9999",
        ),
    ],
)
def test_what_this_server_cannot_read_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    write(tmp_path / "one.zip", HERE)
    with opened_archive(tmp_path / "one.zip") as archive:
        said = {name: getattr(archive.manifest, name) for name in Manifest.__slots__}
        archive.manifest = Manifest(**{**said, "version": "9.9", **changes})
        with pytest.raises(Invalid, match=words):
            restoring.require_restorable(archive, HERE)


def test_the_server_remembers_its_last_backup(tmp_path: Path) -> None:
    assert last_backup() is None
    manifest = write(tmp_path / "one.zip", HERE)
    remember_backup(manifest, 1234)
    kept = last_backup()
    assert kept is not None
    assert (kept.when, kept.size, kept.has_files) == (manifest.created, 1234, False)
