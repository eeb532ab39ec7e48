"""Moments as RFC 3339 with an offset; clients parse them strictly."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Func, TextField
from django.utils.dateparse import parse_date, parse_datetime

from deployments.base.errors import Invalid

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler


def to_wire(moment: datetime | None) -> str | None:
    """Return `2026-11-23T08:59:25.081+00:00`, or None for an unknown moment."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


class Wire(Func):
    """The moment of a column as `to_wire` writes it, written by the database.

    For answers with ten thousands of them: reading a date and writing it takes ten times as long.
    """

    template = (
        "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"+00:00\"')"
    )
    arity = 1
    output_field: Any = TextField()

    def as_sqlite(
        self, compiler: "SQLCompiler", connection: "BaseDatabaseWrapper", **context: Any
    ) -> tuple[str, Any]:
        """Cut it out of the text that is stored; a whole second has no fraction there."""
        text, params = compiler.compile(self.get_source_expressions()[0])
        parts = (
            f"substr({text}, 1, 10)",
            f"substr({text}, 12, 8)",
            f"substr({text} || '.000', 21, 3)",
        )
        day, time, fraction = parts
        sql = f"({day} || 'T' || {time} || '.' || {fraction} || '+00:00')"
        return sql, (*params, *params, *params)


def from_wire(text: str, *, field: str) -> datetime:
    """Return the moment; a date alone is its midnight in UTC. Raises Invalid."""
    try:
        moment = parse_datetime(text)
        day = parse_date(text) if moment is None else None
    except ValueError:
        moment, day = None, None
    if moment is None and day is not None:
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if moment is None:
        raise Invalid(fields={field: [f"{field} must be a date such as 2026-11-23T08:59:25Z."]})
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
