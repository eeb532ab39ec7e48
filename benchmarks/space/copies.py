"""Copying one row a hundred thousand times inside PostgreSQL."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_LARGE = ("base_event", "base_eventrelated", "releases_deployment", "server_tasks_servertask")


@contextmanager
def in_bulk() -> Iterator[None]:
    """Leave foreign keys unchecked, and make the indexes of the large tables when all is there."""
    from django.db import connection  # noqa: PLC0415 after Django's set-up

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no index goes while checks are due
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i JOIN pg_class c"
            " ON c.oid = i.indexname::regclass JOIN pg_index x ON x.indexrelid = c.oid"
            " WHERE i.schemaname = 'public' AND NOT x.indisunique AND i.tablename = ANY(%s)",
            [list(_LARGE)],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    yield
    with connection.cursor() as cursor:
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")


def multiply(row: Any, first: int, last: int, values: Mapping[str, str], **given: Any) -> int:
    """Insert copies numbered i = first..last whose key is the row's plus i; return the row's key.

    `values` are SQL by column, in terms of i and of what is `given`.
    """
    from django.db import connection  # noqa: PLC0415 after Django's set-up

    options = row._meta  # noqa: SLF001 Django's public name
    fields = [field.column for field in options.concrete_fields]
    key, table = options.pk.column, options.db_table
    chosen = {key: f"{row.pk} + i", **values}
    unknown = set(chosen) - set(fields)
    if unknown:
        raise KeyError(f"{table} has no {unknown}")
    columns = ", ".join(f'"{name}"' for name in fields)
    selected = ", ".join(chosen.get(name, f't."{name}"') for name in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({columns}) SELECT {selected} FROM "{table}" t,'
            f' generate_series({first}, {last}) i WHERE t."{key}" = {row.pk} ORDER BY i',
            given,
        )
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('\"{table}\"', '{key}'),"
            f' (SELECT max("{key}") FROM "{table}"))'
        )
    return int(row.pk)
