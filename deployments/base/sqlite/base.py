"""The backend: `ENGINE = "deployments.base.sqlite"`.

Several writer processes starve each other for seconds on SQLite's own busy handler, so writers
queue on a lock file (the kernel serves it in order) before BEGIN IMMEDIATE and before every
write in autocommit mode.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from django.db.backends.sqlite3 import base, features, operations

_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "ALTER", "DROP")


class Turnstile:
    """A lock file beside the database; held by one writer at a time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = -1
        self._depth = 0

    def enter(self) -> None:
        if self._file < 0:
            # Here, because most connections only read.
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if self._depth == 0:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        self._depth += 1

    def leave(self) -> None:
        if self._depth == 1:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._depth = max(0, self._depth - 1)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class DatabaseFeatures(features.DatabaseFeatures):
    """Django assumes the limit of SQLite before 3.32; more rows fit into one statement now."""

    max_query_params = 32_766


class DatabaseOperations(operations.DatabaseOperations):
    """Django's, but that emptying a whole database passes the triggers that keep events."""

    def execute_sql_flush(self, sql_list: Iterable[str]) -> None:
        marker, sql_list = "base_eventremoval", list(sql_list)
        if not any(marker in sql for sql in sql_list):
            super().execute_sql_flush(sql_list)
            return
        allow = f"INSERT INTO {marker} (reason) VALUES ('flush')"  # noqa: S608 a name of ours
        # Stable: the marker's own table comes last among what is emptied.
        ordered = sorted(sql_list, key=lambda sql: marker in sql)
        super().execute_sql_flush([allow, *ordered])


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's SQLite wrapper with the turnstile."""

    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
    turnstile: Turnstile | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        path = str(conn_params["database"])
        if ":memory:" not in path and "mode=memory" not in path and self.turnstile is None:
            self.turnstile = Turnstile(f"{path}.turnstile")
        return super().get_new_connection(conn_params)

    @cached_property
    def cursor_class(self) -> type["Cursor"]:
        """Return a cursor class bound to this wrapper (sqlite3 takes a factory, not arguments)."""
        return type("BoundCursor", (Cursor,), {"wrapper": self})

    def create_cursor(self, name: str | None = None) -> "Cursor":
        return self.connection.cursor(factory=self.cursor_class)  # type: ignore[no-any-return]  # untyped

    def _start_transaction_under_autocommit(self) -> None:
        if self.turnstile:
            self.turnstile.enter()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except BaseException:
            self._leave()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]  # not in the stubs
        finally:
            self._leave()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]  # not in the stubs
        finally:
            self._leave()

    def _close(self) -> None:
        super()._close()  # type: ignore[misc]  # not in the stubs
        if self.turnstile:
            self.turnstile.close()
            self.turnstile = None

    def _leave(self) -> None:
        if self.turnstile:
            self.turnstile.leave()

    @contextmanager
    def writing(self, sql: str) -> Iterator[None]:
        """Hold the turnstile around one autocommit write."""
        alone = not self.in_atomic_block and sql.lstrip()[:7].upper().startswith(_WRITES)
        if not alone or self.turnstile is None:
            yield
            return
        self.turnstile.enter()
        try:
            yield
        finally:
            self._leave()


class Cursor(base.SQLiteCursorWrapper):
    """A cursor that knows its wrapper."""

    wrapper: DatabaseWrapper

    def execute(self, query: str, params: Any = None) -> Any:
        with self.wrapper.writing(query):
            return super().execute(query, params)

    def executemany(self, query: str, param_list: Any) -> Any:
        with self.wrapper.writing(query):
            return super().executemany(query, param_list)
