"""One state of the whole database, read while the server works on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_ALIAS: Final = "snapshot"
# Neither keeps anybody from writing.
_BEGIN: Final = {
    "sqlite": "BEGIN DEFERRED",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}


@contextmanager
def database_snapshot(source: BaseDatabaseWrapper) -> Iterator[BaseDatabaseWrapper]:
    """Give a second connection that sees the database as it is now until the end of the block."""
    connection = source.copy(_ALIAS)
    connections[_ALIAS] = connection
    try:
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN[connection.vendor])
            # SQLite takes the snapshot with the first read.
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
        yield connection
    finally:
        connection.close()
        del connections[_ALIAS]
