"""Queries that every request makes: put together once, then asked with other values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.backends.utils import CursorWrapper
from django.db.models.query import get_related_populators

from deployments.base.rows.cursors import repeating_cursor

R_co = TypeVar("R_co", covariant=True)
Value = int | str | list[int] | list[str]
Kind = type[int] | type[str] | type[list[int]] | type[list[str]]


@dataclass(frozen=True)
class _Statement:
    """What was put together: `places` has the number of the value for each placeholder.

    A place that is no number of a value has what stands there always. `row` makes what the query
    gives of a row of the database.
    """

    sql: str
    places: tuple[tuple[int, Any], ...]
    converters: Any
    row: Callable[[Any], Any]


class PreparedQuery(Generic[R_co]):
    """A query for rows of one model, with `select_related` and annotations, or `values_list`.

    Putting one together takes Django several times as long as PostgreSQL takes to answer it.
    `make` gets a value of each kind and returns the query; it is called once for each database.
    With lists among the values it is called each time for SQLite, which takes no lists.
    """

    def __init__(self, make: Callable[..., "models.QuerySet[Any, R_co]"], *kinds: Kind) -> None:
        self._make = make
        self._kinds = kinds
        self._has_lists = any(isinstance(kind, GenericAlias) for kind in kinds)
        self._statements: dict[str, _Statement] = {}

    def all(self, *values: Value, skip: int = 0, take: int | None = None) -> list[R_co]:
        """Return the rows that the query finds for these values, or some of them."""
        if self._has_lists and connection.vendor != "postgresql":
            return list(self._make(*values)[skip : None if take is None else skip + take])
        part = "" if take is None else f" LIMIT {take:d} OFFSET {skip:d}"
        with connection.cursor() as cursor:
            return self._asked(cursor, part, values)

    def first(self, *values: Value) -> R_co | None:
        """Return the first of them, or None.

        PostgreSQL plans it once for all values; with others, `all` may need another plan.
        """
        if self._has_lists:
            return next(iter(self.all(*values, take=1)), None)
        with repeating_cursor() as cursor:
            return next(iter(self._asked(cursor, " LIMIT 1", values)), None)

    def _asked(self, cursor: CursorWrapper, part: str, values: Sequence[Value]) -> list[R_co]:
        statement = self._statements.get(connection.vendor) or self._put_together()
        given = [values[number] if number >= 0 else other for number, other in statement.places]
        cursor.execute(statement.sql + part, given)
        rows = cursor.fetchall()
        return [statement.row(row) for row in _converted(statement, rows)]

    def _put_together(self) -> _Statement:
        marks = [_mark(kind, number) for number, kind in enumerate(self._kinds)]
        query = self._make(*marks).query
        compiler = query.get_compiler(connection=connection)
        sql, given = compiler.as_sql()
        places = tuple((_number(marks, value), value) for value in given)
        if not set(range(len(marks))) <= {number for number, _ in places}:
            raise TypeError("The query does not use each of its values as it is.")
        chosen = compiler.select[: compiler.col_count]
        statement = _Statement(
            sql=sql,
            places=places,
            converters=list(compiler.get_converters([each[0] for each in chosen]).items()),
            row=_instance_of(compiler) if query.default_cols else tuple,
        )
        self._statements[connection.vendor] = statement
        return statement


def _converted(statement: _Statement, rows: list[Any]) -> list[Any]:
    if not statement.converters:
        return rows
    changed = [list(row) for row in rows]
    for row in changed:
        for place, (converters, expression) in statement.converters:
            for converter in converters:
                row[place] = converter(row[place], expression, connection)
    return changed


def _instance_of(compiler: Any) -> Callable[[Any], Any]:
    """Return what makes an instance of a row, with what belongs to it."""
    model = compiler.klass_info["model"]
    first, *_, last = compiler.klass_info["select_fields"]
    columns = slice(first, last + 1)
    names = tuple(each[0].target.attname for each in compiler.select[columns])
    related = get_related_populators(  # type: ignore[call-arg]  # the stubs are Django 6's
        compiler.klass_info, compiler.select, connection.alias
    )
    annotations = tuple((compiler.annotation_col_map or {}).items())

    def instance(row: Any) -> Any:
        found = model.from_db(connection.alias, names, row[columns])
        for populator in related:
            populator.populate(row, found)
        for name, place in annotations:
            setattr(found, name, row[place])
        return found

    return instance


def _mark(kind: Kind, number: int) -> Value:
    """Return a value that nothing else in a query has."""
    if kind == list[int]:
        return [-(10**15) - number]
    if kind == list[str]:
        return [f"value {number} of a prepared query"]
    return f"value {number} of a prepared query" if kind is str else -(10**15) - number


def _number(marks: list[Value], value: Any) -> int:
    return marks.index(value) if value in marks else -1
