"""After a test that commits, the database is emptied and has again what every server begins with.

Django would make content types, permissions, roles and the first space anew after each of these
tests, which takes longer than most of the tests themselves; here their rows are copied back.
What a process remembers beside the database is forgotten before each test.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase

from deployments.access import grants
from deployments.base import wake
from deployments.base.following import consumers
from deployments.execution.logs import chunks, live
from tests.factories.numbers import NUMBERS

_tables: list[str] = []


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Forget what was kept of other tests: ids, ports and names of theirs may come again."""
    NUMBERS.restart()
    cache.clear()
    chunks.open_archive.cache_clear()
    for kept in (consumers._idle, grants._kept, live._feeds, wake._to_come):
        kept.clear()


def keep_first_rows() -> None:
    """Copy the rows that are there now, and let them come back after each test that commits."""
    with _copies() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("CREATE SCHEMA kept")
        for table in connection.introspection.django_table_names(only_existing=True):
            cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")
            if cursor.fetchone():
                cursor.execute(f"CREATE TABLE kept.{table} AS SELECT * FROM {table}")
                _tables.append(table)
    TransactionTestCase._fixture_teardown = _give_back  # type: ignore[attr-defined]  # no stub has it


def _give_back(_: Any) -> None:
    if connection.vendor == "sqlite":
        how = {"interactive": False, "reset_sequences": False, "inhibit_post_migrate": True}
        call_command("flush", verbosity=0, **how)
    with _copies() as cursor, transaction.atomic():
        if connection.vendor == "postgresql":
            _empty(cursor)
        for table in _tables:
            cursor.execute(f"INSERT INTO {table} SELECT * FROM kept.{table}")


def _empty(cursor: CursorWrapper) -> None:
    """Delete all rows; truncating a hundred tables takes five times as long."""
    cursor.execute("SET LOCAL session_replication_role = replica")  # without triggers and checks
    tables = connection.introspection.django_table_names(only_existing=True)
    cursor.execute(f"SELECT {', '.join(f'EXISTS (SELECT 1 FROM {name})' for name in tables)}")
    for table, has_rows in zip(tables, cursor.fetchone(), strict=True):
        if has_rows:
            cursor.execute(f"DELETE FROM {table}")


@contextmanager
def _copies() -> Iterator[CursorWrapper]:
    """Give a cursor that knows the copies as `kept`: a schema, on SQLite a file of its own.

    Tests of backups look at all tables of the database itself.
    """
    is_file = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        if is_file:
            cursor.execute(f"ATTACH '{settings.OCTOPUS.data_dir / 'kept.sqlite3'}' AS kept")
        yield cursor
        if is_file:
            cursor.execute("DETACH kept")
