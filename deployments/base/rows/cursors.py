"""A cursor for statements that are run again and again, on the level below psycopg's own."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from psycopg import Connection
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import (
    FeatureNotSupported,
    InFailedSqlTransaction,
    InvalidSqlStatementName,
    error_from_result,
)
from psycopg.generators import execute
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

_PLACEHOLDER: Final = re.compile("%[s%]")
# Otherwise PostgreSQL plans the first five times of each statement for their values, which takes
# longer than to run them.
_PLAN_ONCE: Final = b"SET plan_cache_mode = force_generic_plan"
_WHOLE_NUMBER: Final = 20  # PostgreSQL's number of its type bigint
# A migration has changed what it gives, or somebody has ended all that was prepared.
_OUTDATED: Final = (FeatureNotSupported, InvalidSqlStatementName)


class _Prepared(NamedTuple):
    """A statement that a connection knows by a name."""

    name: bytes
    query: bytes


_of_connections: "WeakKeyDictionary[Connection[Any], dict[str, _Prepared]]" = WeakKeyDictionary()
_numbers = count()


class RepeatingCursor:
    """What a statement needs of psycopg's cursor, which takes twice as long for it.

    A statement is prepared once and found again by its text; psycopg would look for the types of
    its values, too, and read it anew each time.
    """

    def __init__(self, connection: "Connection[Any]") -> None:
        self._connection = connection
        self._rows: Iterator[Any] = iter(())
        self._query: _Prepared | None = None  # where Django's query log looks for the text
        self._known = known_statements(connection)

    def execute(self, query: str, params: Sequence[Any] = ()) -> None:
        """Run a statement, in a transaction where the connection wants one."""
        connection = self._connection
        is_idle = connection.pgconn.transaction_status == TransactionStatus.IDLE
        is_alone = is_idle and connection.autocommit and not connection.pgconn.pipeline_status
        if is_idle and not connection.autocommit:
            run(connection, connection.pgconn.send_query, b"BEGIN")
        try:
            self._ask(query, params)
        except _OUTDATED:
            # Another statement of this text, at once where nothing has been done before it.
            is_known = self._known.pop(query, None) is not None
            if not is_known or not is_alone:
                raise
            self._ask(query, params)

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def close(self) -> None:
        """Do nothing: the rows are here."""

    def _ask(self, query: str, params: Sequence[Any]) -> None:
        prepared = self._query = self._known.get(query) or self._prepare(query, params)
        transformer = Transformer(self._connection)
        values = transformer.dump_sequence(params, [PyFormat.TEXT] * len(params))
        send = self._connection.pgconn.send_query_prepared
        result = run(self._connection, send, prepared.name, values)
        transformer.set_pgresult(result)
        self._rows = iter(transformer.load_rows(0, result.ntuples, tuple))

    def _prepare(self, query: str, params: Sequence[Any]) -> _Prepared:
        places = count(1)
        text = _PLACEHOLDER.sub(
            lambda found: "%" if found[0] == "%%" else f"${next(places)}", query
        ).encode()
        prepared = self._query = _Prepared(b"repeated_%d" % next(_numbers), text)
        # What a number stands for cannot be seen where it is chosen or compared with another.
        types = [_WHOLE_NUMBER if type(value) is int else 0 for value in params]
        run(self._connection, self._connection.pgconn.send_prepare, prepared.name, text, types)
        self._known[query] = prepared
        return prepared


def known_statements(connection: "Connection[Any]") -> dict[str, _Prepared]:
    """Return the statements by their texts that a connection knows, and will know.

    It is set up for them when it has none yet.
    """
    known = _of_connections.get(connection)
    if known is None:
        run(connection, connection.pgconn.send_query, _PLAN_ONCE)
        known = _of_connections[connection] = {}
    return known


def run(connection: "Connection[Any]", send: Callable[..., None], *values: Any) -> PGresult:
    """Send something and return the answer; raises psycopg's errors."""
    send(*values)
    if connection.pgconn.pipeline_status:
        connection.pgconn.send_flush_request()
    results: list[PGresult] = connection.wait(execute(connection.pgconn))
    for result in results:  # the commit after a statement that stands alone may fail, too
        if result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
        if result.status == ExecStatus.PIPELINE_ABORTED:
            raise InFailedSqlTransaction("An earlier statement of the transaction has failed.")
    return results[0]


def synchronize(connection: "Connection[Any]") -> None:
    """End what PostgreSQL was asked in pipeline mode: it commits, if nothing has failed.

    Raises psycopg's errors when the commit fails.
    """
    connection.pgconn.pipeline_sync()
    statuses, failed = set[int](), None
    while ExecStatus.PIPELINE_SYNC not in statuses:
        for result in connection.wait(execute(connection.pgconn)):
            statuses.add(result.status)
            if result.status == ExecStatus.FATAL_ERROR:
                failed = result
    if failed is not None:
        raise error_from_result(failed)


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
    with database.wrap_database_errors:
        repeating = RepeatingCursor(database.connection)
    with database._prepare_cursor(repeating) as cursor:  # noqa: SLF001 Django has no public way
        yield cursor
