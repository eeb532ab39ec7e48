"""Queries that every request makes: put together once, then asked with other values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.models.query import get_related_populators

M_co = TypeVar("M_co", bound=models.Model, covariant=True)
Value = int | str


@dataclass(frozen=True)
class _Statement:
    """What was put together: `places` has the number of the value for each placeholder.

    A place that is no number of a value has what stands there always.
    """

    sql: str
    places: tuple[tuple[int, Any], ...]
    compiler: Any
    names: tuple[str, ...]
    columns: slice
    converters: Any
    related: Any


class PreparedQuery(Generic[M_co]):
    """A query for rows of one model, with `select_related` and annotations.

    Putting one together takes Django several times as long as PostgreSQL takes to answer it.
    `make` gets a value of each kind and returns the query; it is called once for each database.
    """

    def __init__(self, make: Callable[..., "models.QuerySet[M_co]"], *kinds: type[Value]) -> None:
        self._make = make
        self._kinds = kinds
        self._statements: dict[str, _Statement] = {}

    def all(self, *values: Value) -> list[M_co]:
        """Return the rows that the query finds for these values."""
        statement = self._statements.get(connection.vendor) or self._put_together()
        given = [values[number] if number >= 0 else other for number, other in statement.places]
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, given)
            rows = cursor.fetchall()
        return [self._row(statement, row) for row in self._converted(statement, rows)]

    def first(self, *values: Value) -> M_co | None:
        """Return the first of them, or None."""
        return next(iter(self.all(*values)), None)

    def _converted(self, statement: _Statement, rows: list[Any]) -> list[Any]:
        if not statement.converters:
            return rows
        changed = [list(row) for row in rows]
        for row in changed:
            for place, (converters, expression) in statement.converters:
                for converter in converters:
                    row[place] = converter(row[place], expression, connection)
        return changed

    def _row(self, statement: _Statement, row: Any) -> Any:
        model = statement.compiler.klass_info["model"]
        found = model.from_db(connection.alias, statement.names, row[statement.columns])
        for populator in statement.related:
            populator.populate(row, found)
        for name, place in (statement.compiler.annotation_col_map or {}).items():
            setattr(found, name, row[place])
        return found

    def _put_together(self) -> _Statement:
        marks = [_mark(kind, number) for number, kind in enumerate(self._kinds)]
        query = self._make(*marks).query
        compiler = query.get_compiler(connection=connection)
        sql, given = compiler.as_sql()
        places = tuple((_number(marks, value), value) for value in given)
        if not set(range(len(marks))) <= {number for number, _ in places}:
            raise TypeError("The query does not use each of its values as it is.")
        first, *_, last = compiler.klass_info["select_fields"]
        columns = slice(first, last + 1)
        chosen = compiler.select[: compiler.col_count]
        statement = _Statement(
            sql=sql,
            places=places,
            compiler=compiler,
            names=tuple(each[0].target.attname for each in compiler.select[columns]),
            columns=columns,
            converters=list(compiler.get_converters([each[0] for each in chosen]).items()),
            related=get_related_populators(  # type: ignore[call-arg]  # the stubs are Django 6's
                compiler.klass_info, compiler.select, connection.alias
            ),
        )
        self._statements[connection.vendor] = statement
        return statement


def _mark(kind: type[Value], number: int) -> Value:
    """Return a value that nothing else in a query has."""
    return f"value {number} of a prepared query" if kind is str else -(10**15) - number


def _number(marks: list[Value], value: Any) -> int:
    return marks.index(value) if value in marks else -1
