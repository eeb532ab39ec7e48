"""A cursor for statements that are run again and again."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from psycopg import Connection, abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

_PLACEHOLDER: Final = re.compile("%[s%]")
# Otherwise PostgreSQL plans the first five times of each statement for their values, which takes
# longer than to run them.
_PLAN_ONCE: Final = b"SET plan_cache_mode = force_generic_plan"
_WHOLE_NUMBER: Final = 20  # PostgreSQL's number of its type bigint


class _Prepared(NamedTuple):
    """A statement that a connection knows by a name."""

    name: bytes
    query: bytes
    transformer: abc.Transformer


_of_connections: "WeakKeyDictionary[Connection[Any], dict[str, _Prepared]]" = WeakKeyDictionary()


class _RepeatingCursor:
    """What a statement needs of psycopg's cursor, which takes twice as long for it.

    A statement is prepared once and found again by its text; psycopg would look for the types of
    its values, too, and read it anew each time.
    """

    def __init__(self, connection: "Connection[Any]") -> None:
        self._connection = connection
        self._rows: Iterator[Any] = iter(())
        self._query: _Prepared | None = None  # where Django's query log looks for the text

    def execute(self, query: str, params: Sequence[Any] = ()) -> None:
        """Run a statement, in a transaction where the connection wants one."""
        connection = self._connection
        pgconn = connection.pgconn
        is_idle = pgconn.transaction_status == TransactionStatus.IDLE
        if is_idle and not connection.autocommit:
            self._run(pgconn.send_query, b"BEGIN")
        prepared = _of_connections.get(connection, {}).get(query) or self._prepare(query, params)
        self._query = prepared
        transformer = prepared.transformer
        values = transformer.dump_sequence(params, [PyFormat.TEXT] * len(params))
        result = self._run(pgconn.send_query_prepared, prepared.name, values)
        transformer.set_pgresult(result)
        self._rows = iter(transformer.load_rows(0, result.ntuples, tuple))

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def close(self) -> None:
        """Do nothing: the rows are here."""

    def _prepare(self, query: str, params: Sequence[Any]) -> _Prepared:
        pgconn = self._connection.pgconn
        known = _of_connections.get(self._connection)
        if known is None:
            self._run(pgconn.send_query, _PLAN_ONCE)
            known = _of_connections[self._connection] = {}
        numbers = count(1)
        text = _PLACEHOLDER.sub(
            lambda found: "%" if found[0] == "%%" else f"${next(numbers)}", query
        ).encode()
        # What a number stands for cannot be seen where it is chosen or compared with another.
        types = [_WHOLE_NUMBER if type(value) is int else 0 for value in params]
        name = f"repeated_{len(known)}".encode()
        self._run(pgconn.send_prepare, name, text, types)
        known[query] = prepared = _Prepared(name, text, Transformer(self._connection))
        return prepared

    def _run(self, send: Callable[..., None], *values: Any) -> PGresult:
        send(*values)
        result: PGresult
        (result,) = self._connection.wait(execute(self._connection.pgconn))
        if result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
        return result


@contextmanager
def repeating_cursor() -> Iterator[CursorWrapper]:
    """Give a cursor whose statements PostgreSQL reads and plans once for each connection.

    It keeps each of them, so their texts must be few. Of each placeholder's value the database must
    see the type from where it stands; that of a number is bigint.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql":
        with database.cursor() as cursor:
            yield cursor
        return
    database.ensure_connection()
    with database._prepare_cursor(_RepeatingCursor(database.connection)) as cursor:  # noqa: SLF001 Django has no public way
        yield cursor
