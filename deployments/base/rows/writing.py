"""Writing many rows at little cost."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db import connection, models

from deployments.base.rows.cursors import repeating_cursor

_MOST_VALUES = 30_000
# What every database takes without a conversion, in fields whose values need no other check.
_AS_THEY_ARE = frozenset({str, int, type(None)})
_PLAIN_FIELDS = frozenset(
    {
        *("CharField", "TextField", "SlugField", "ForeignKey"),
        *("IntegerField", "BigIntegerField", "PositiveIntegerField", "PositiveSmallIntegerField"),
    }
)


def update_rows(rows: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Write fields of rows that exist, by one prepared statement that is run for each.

    Does what `bulk_update` does without an expression per value, whose compilation costs about a
    millisecond of processor time per row. The caller has read the rows in their scope.
    """
    if not rows:
        return
    model = type(rows[0])
    options: Any = model._meta  # noqa: SLF001 Django's public name
    columns = [options.get_field(name) for name in fields]
    quote = connection.ops.quote_name
    values = ", ".join(f"{quote(field.column)} = %s" for field in columns)
    table, key = quote(options.db_table), quote(options.pk.column)
    sql = f"UPDATE {table} SET {values} WHERE {key} = %s"  # noqa: S608 names of ours
    with connection.cursor() as cursor:
        cursor.executemany(sql, [[*_values(row, columns), row.pk] for row in rows])


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model by few statements, and give each its key.

    Does what `bulk_create` does without an expression per value, which costs more than the
    database does. Rows of a model without parents; nothing is fetched but the keys.
    """
    if not rows:
        return
    options: Any = type(rows[0])._meta  # noqa: SLF001 Django's public name
    columns, names = _columns(type(rows[0]), connection.vendor)
    quote = connection.ops.quote_name
    one = f"({', '.join(['%s'] * len(columns))})"
    into = f"INSERT INTO {quote(options.db_table)} ({names}) VALUES "  # noqa: S608 names of ours
    most = (connection.features.max_query_params or _MOST_VALUES) // len(columns)
    with connection.cursor() as cursor:
        for first in range(0, len(rows), most):
            batch = rows[first : first + most]
            values = [value for row in batch for value in _new_values(row, columns)]
            returning = f" RETURNING {quote(options.pk.column)}"
            cursor.execute(into + ", ".join([one] * len(batch)) + returning, values)
            for row, (key,) in zip(batch, cursor.fetchall(), strict=True):
                row.pk = key
                mark_as_stored(row)


def insert_if_new(row: models.Model) -> bool:
    """Insert a row and give it its key; False where a row that must differ is there already.

    As `insert_rows`, but that the caller's transaction can go on: nothing has failed in it.
    """
    options: Any = type(row)._meta  # noqa: SLF001 Django's public name
    names, values = row_values(row)
    quote = connection.ops.quote_name
    with repeating_cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(options.db_table)} ({names})"  # noqa: S608 names of ours
            f" VALUES ({', '.join(['%s'] * len(values))})"
            f" ON CONFLICT DO NOTHING RETURNING {quote(options.pk.column)}",
            values,
        )
        found = cursor.fetchone()
    if found is None:
        return False
    row.pk = found[0]
    mark_as_stored(row)
    return True


def row_values(row: models.Model, *, without: Collection[str] = ()) -> tuple[str, list[Any]]:
    """Return the columns of a new row, quoted for an INSERT, and their values; not its key."""
    columns, names = _columns(type(row), connection.vendor, tuple(without))
    return names, _new_values(row, columns)


@cache
def _columns(
    model: type[models.Model], vendor: str, without: tuple[str, ...] = ()
) -> tuple[list["_Column"], str]:
    """Return the columns of a new row, and their names for an INSERT; the vendor quotes them."""
    options: Any = model._meta  # noqa: SLF001 Django's public name
    fields = [
        field
        for field in options.concrete_fields
        if not field.primary_key and field.name not in without
    ]
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    return [_Column(field, field.attname, _is_plain(field)) for field in fields], names


class _Column(NamedTuple):
    """A field, and whether what its attribute has may go to the database as it is."""

    field: Any
    attribute: str
    is_plain: bool


def _is_plain(field: Any) -> bool:
    is_read_only = type(field).pre_save is models.Field.pre_save
    return is_read_only and field.get_internal_type() in _PLAIN_FIELDS


def mark_as_stored(row: models.Model) -> None:
    """Let Django know that the row is in the database, as `bulk_create` does."""
    row._state.adding = False  # noqa: SLF001 Django has no public way
    row._state.db = connection.alias  # noqa: SLF001 as above


def increase(model: type[models.Model], pk: int, name: str, by: int) -> int:
    """Add to a number of one row and return the sum; LookupError when there is no such row.

    One statement where F() takes two; the row is locked until the commit.
    """
    options: Any = model._meta  # noqa: SLF001 Django's public name
    quote = connection.ops.quote_name
    column, key = quote(options.get_field(name).column), quote(options.pk.column)
    sql = (
        f"UPDATE {quote(options.db_table)} SET {column} = {column} + %s"  # noqa: S608 names of ours
        f" WHERE {key} = %s RETURNING {column}"
    )
    with repeating_cursor() as cursor:
        cursor.execute(sql, [by, pk])
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"{options.db_table} has no row {pk}")
    return int(row[0])


def _new_values(row: models.Model, columns: Sequence[_Column]) -> list[Any]:
    values = []
    for field, attribute, is_plain in columns:
        value = getattr(row, attribute) if is_plain else field.pre_save(row, add=True)
        if not is_plain or type(value) not in _AS_THEY_ARE:
            value = field.get_db_prep_save(value, connection=connection)
        values.append(value)
    return values


def _values(row: models.Model, columns: Sequence[Any]) -> list[Any]:
    return [
        field.get_db_prep_save(getattr(row, field.attname), connection=connection)
        for field in columns
    ]
