"""A cursor for statements that are run again and again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from psycopg import Connection, Cursor

# Connections whose prepared statements are planned once; otherwise PostgreSQL plans the first five
# times of each for their values, which takes longer than to run them.
_planning_once: "WeakSet[Connection[Any]]" = WeakSet()


class _PreparingCursor(Cursor[Any]):
    """Sends text and values apart, and the text once."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Run a statement as a prepared one, which Django lets its connections not have."""
        if self.connection not in _planning_once:
            _planning_once.add(self.connection)
            self.connection.execute("SET plan_cache_mode = force_generic_plan")
        self.connection.prepare_threshold = 0
        try:
            return super().execute(query, params, prepare=True, **options)
        finally:
            self.connection.prepare_threshold = None

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        """Keep the text, which psycopg forgets of prepared statements, for Django's query log."""
        self._query = super()._convert_query(query, params)
        return self._query


@contextmanager
def repeating_cursor() -> Iterator[CursorWrapper]:
    """Give a cursor whose statements PostgreSQL reads and plans once for each connection.

    Of each placeholder's value the database must see the type from where it stands.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql":
        with database.cursor() as cursor:
            yield cursor
        return
    database.ensure_connection()
    with database._prepare_cursor(_PreparingCursor(database.connection)) as cursor:  # noqa: SLF001 Django has no public way
        yield cursor
