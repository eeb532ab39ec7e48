"""Transactions that PostgreSQL begins and ends without BEGIN and COMMIT."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connections, transaction
from django.db.transaction import TransactionManagementError
from psycopg import Connection, Error
from psycopg.pq import PipelineStatus, TransactionStatus

from deployments.base.rows.cursors import RepeatingCursor, known_statements, run, synchronize


@contextmanager
def repeating_transaction() -> Iterator[None]:
    """Make a transaction of a block that asks the database by repeating cursors alone.

    In pipeline mode PostgreSQL begins a transaction with the first statement and commits where the
    client synchronizes (https://www.postgresql.org/docs/current/libpq-pipeline-mode.html). Until
    then it takes the session for an active one, not for one that is idle in its transaction.
    Other queries in the block, savepoints too, raise NotSupportedError, and where one of its own
    has failed the block fails. In a transaction, and with SQLite, it is `transaction.atomic`.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql" or database.in_atomic_block or not database.get_autocommit():
        with transaction.atomic():
            yield
        return
    database.ensure_connection()
    connection = database.connection
    with database.wrap_database_errors:
        known_statements(connection)
        connection.pgconn.enter_pipeline_mode()
    # So that `on_commit` waits, and that Django wants savepoints.
    database.in_atomic_block, database.autocommit, database.needs_rollback = True, False, False
    try:
        with database.execute_wrapper(_refuse_others):
            yield
        if database.needs_rollback or connection.pgconn.pipeline_status != PipelineStatus.ON:
            raise TransactionManagementError("The transaction failed, and its block went on.")
    except BaseException:
        with suppress(Error):  # what the block has raised says more
            _end(database, connection, is_good=False)
        raise
    with database.wrap_database_errors:
        _end(database, connection, is_good=True)
    database.run_and_clear_commit_hooks()


def _refuse_others(
    execute: Callable[..., Any],
    sql: str,
    params: Any,
    many: bool,  # noqa: FBT001 as Django calls it
    context: dict[str, Any],
) -> Any:
    """Be what `execute_wrapper` calls; psycopg would wait for ever, or commit in between."""
    if many or not isinstance(context["cursor"].cursor, RepeatingCursor):
        raise NotSupportedError("Only repeating cursors work in a repeating transaction.")
    return execute(sql, params, many, context)


def _end(database: Any, connection: "Connection[Any]", *, is_good: bool) -> None:
    """Commit or undo; raises psycopg's errors. A connection that can do neither is closed."""
    pgconn, is_committed = connection.pgconn, False
    try:
        # Not where an interruption came before the answer, which may take its time.
        is_waiting = not is_good and pgconn.transaction_status == TransactionStatus.ACTIVE
        if database.connection is connection and not is_waiting:
            if not is_good and pgconn.pipeline_status == PipelineStatus.ON:
                run(connection, pgconn.send_query_params, b"ROLLBACK", None)
            synchronize(connection)
            pgconn.exit_pipeline_mode()
            is_committed = is_good
    finally:
        database.in_atomic_block = database.needs_rollback = database.closed_in_transaction = False
        database.autocommit = True
        if not is_committed:
            database.run_on_commit = []
        if connection.closed or pgconn.pipeline_status:
            connection.close()  # PostgreSQL undoes what it has not committed
            database.close()
