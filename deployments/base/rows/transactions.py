"""Transactions that PostgreSQL begins and ends without being told so by statements."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from psycopg import Connection, Error
from psycopg.pq import PipelineStatus

from deployments.base.rows.cursors import known_statements, run, synchronize


@contextmanager
def repeating_transaction() -> Iterator[None]:
    """Make a transaction of a block that asks the database by repeating cursors alone.

    It is `transaction.atomic`, and spares PostgreSQL two of its answers: what it is asked in
    pipeline mode is one transaction, which ends where the client synchronizes
    (https://www.postgresql.org/docs/current/libpq-pipeline-mode.html). Any other query in the
    block is an error there.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql" or database.in_atomic_block:
        with transaction.atomic():
            yield
        return
    database.ensure_connection()
    connection = database.connection
    with database.wrap_database_errors:
        known_statements(connection)
        connection.pgconn.enter_pipeline_mode()
    database.in_atomic_block = True  # so that `on_commit` waits
    try:
        yield
    except BaseException:
        with suppress(Error):  # what the block has raised says more
            _end(database, connection, is_good=False)
        raise
    with database.wrap_database_errors:
        _end(database, connection, is_good=True)
    database.run_and_clear_commit_hooks()


def _end(database: Any, connection: "Connection[Any]", *, is_good: bool) -> None:
    """Commit or undo; raises psycopg's errors. A connection that can do neither is closed."""
    is_committed = False
    try:
        if not is_good and connection.pgconn.pipeline_status == PipelineStatus.ON:
            run(connection, connection.pgconn.send_query_params, b"ROLLBACK", None)
        synchronize(connection)
        connection.pgconn.exit_pipeline_mode()
        is_committed = is_good
    finally:
        database.in_atomic_block = database.closed_in_transaction = False
        if not is_committed:
            database.run_on_commit = []
        if connection.closed or connection.pgconn.pipeline_status:
            connection.close()  # PostgreSQL undoes what it has not committed
            database.close()
