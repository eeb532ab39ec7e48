"""Rows of any table as JSON values, the same for every database."""

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query import QuerySet

Encode = Callable[[Any], Any]

_BATCH: Final = 500
# The functions of triggers; those of extensions are not ours.
_OWN_FUNCTIONS: Final = """
    SELECT oid::regprocedure FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND prokind = 'f'
      AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
"""
_ENCODINGS: Final[dict[type, Encode]] = {
    datetime: datetime.isoformat,
    date: date.isoformat,
    UUID: str,
    Decimal: str,
    timedelta: str,
    bytes: lambda value: base64.b64encode(value).decode(),
    memoryview: lambda value: base64.b64encode(value).decode(),
}


def columns_of(model: type[models.Model]) -> list[Any]:
    """Return the fields of a model that are stored in its table."""
    return list(model._meta.concrete_fields)  # noqa: SLF001 Django's public name


def table_of(model: type[models.Model]) -> str:
    """Return the name of a model's table."""
    return model._meta.db_table  # noqa: SLF001 Django's public name


def read_rows(model: type[models.Model], alias: str) -> Iterator[list[Any]]:
    """Yield the rows of a table in the order of their keys; every space's."""
    names = [field.attname for field in columns_of(model)]
    # Not by the manager: it asks for a space, and a backup has them all.
    every: QuerySet[models.Model] = QuerySet(model=model, using=alias)
    rows = every.order_by("pk").values_list(*names)
    for row in rows.iterator(chunk_size=_BATCH):
        yield [_encoded(value) for value in row]


def write_rows(
    model: type[models.Model],
    columns: list[str],
    rows: Iterator[list[Any]],
    connection: BaseDatabaseWrapper,
) -> None:
    """Insert rows with the keys that they had. Raises LookupError for an unknown column."""
    by_column = {field.column: field for field in columns_of(model)}
    fields = [by_column[column] for column in columns]
    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in columns)
    places = ", ".join(["%s"] * len(columns))
    sql = f"INSERT INTO {quote(table_of(model))} ({names}) VALUES ({places})"  # noqa: S608 names of ours
    batch: list[list[Any]] = []
    with connection.cursor() as cursor:
        for row in rows:
            batch.append(
                [
                    _decoded(field, value, connection)
                    for field, value in zip(fields, row, strict=True)
                ]
            )
            if len(batch) == _BATCH:
                cursor.executemany(sql, batch)
                batch.clear()
        if batch:
            cursor.executemany(sql, batch)


def last_number(model: type[models.Model], connection: BaseDatabaseWrapper) -> int:
    """Return the last number that the table gave to a row, be it deleted since; 0 for none."""
    key = _counted_key(model)
    if key is None:
        return 0
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table_of(model)])
            return int((cursor.fetchone() or (0,))[0])
        cursor.execute(
            "SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, %s))",
            [connection.ops.quote_name(table_of(model)), key],
        )
        return int(cursor.fetchone()[0] or 0)


def set_last_number(
    model: type[models.Model], number: int, connection: BaseDatabaseWrapper
) -> None:
    """Let the table give the numbers after this one, so that no public id is given twice."""
    key, table = _counted_key(model), table_of(model)
    if key is None or not number:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, number]
            )
        else:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, %s), %s)",
                [connection.ops.quote_name(table), key, number],
            )


def tables_in(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the tables that there are."""
    with connection.cursor() as cursor:
        return connection.introspection.table_names(cursor)


def moment(value: Any) -> datetime:
    """Return a time as a database gave it: SQLite has texts, of UTC."""
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def drop_all_tables(connection: BaseDatabaseWrapper) -> None:
    """Take every table away, those of an older or a broken server as well."""
    quote, is_postgres = connection.ops.quote_name, connection.vendor == "postgresql"
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in tables_in(connection):
            cursor.execute(f"DROP TABLE {quote(table)}{' CASCADE' if is_postgres else ''}")
        if is_postgres:
            cursor.execute(_OWN_FUNCTIONS)
            for (function,) in cursor.fetchall():
                cursor.execute(f"DROP FUNCTION {function}")


def _counted_key(model: type[models.Model]) -> str | None:
    key = model._meta.pk  # noqa: SLF001 Django's public name
    return key.column if isinstance(key, models.AutoField | models.BigAutoField) else None


def _encoded(value: Any) -> Any:
    encode = _ENCODINGS.get(type(value))
    return value if encode is None else encode(value)


def _decoded(field: Any, value: Any, connection: BaseDatabaseWrapper) -> Any:
    if value is None and not field.null and isinstance(field, models.JSONField):
        return connection.ops.adapt_json_value(None, None)  # JSON's null in a column without NULL
    return field.get_db_prep_save(field.to_python(value), connection=connection)
