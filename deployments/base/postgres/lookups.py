"""`__in` with many values: one parameter for PostgreSQL instead of one for each value.

A matrix asks for what hundreds of releases have. With a placeholder for each, Django and psycopg
take more time to write such a statement than PostgreSQL to answer it: each number is looked at six
times, and a statement as long as that is not kept from one request to the next. As an array the
statement is short and always the same. SQLite, where asking costs little, gets what Django writes.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from django.db.models import AutoField, BigAutoField, ForeignKey, IntegerField
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import In

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

# What fits into a column; no row has another number, and neither database takes one.
_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1
_COLLECTIONS: Final = (list, tuple, set, frozenset)


class _Several:
    """What these lookups share: values of one type alone are taken as they are."""

    kind: type = int
    array = "bigint[]"
    lhs: Any
    rhs: Any

    def get_prep_lookup(self) -> Any:
        if isinstance(self.rhs, _COLLECTIONS) and set(map(type, self.rhs)) == {self.kind}:
            return self.kept(dict.fromkeys(self.rhs))
        return super().get_prep_lookup()  # type: ignore[misc]  # of the lookup beside it

    def kept(self, values: Iterable[Any]) -> list[Any]:
        """Return the values that a row can have."""
        return [number for number in values if _LEAST <= number <= _MOST]

    def as_postgresql(
        self, compiler: "SQLCompiler", connection: "BaseDatabaseWrapper"
    ) -> tuple[str, Any]:
        if type(self.rhs) is not list or set(map(type, self.rhs)) != {self.kind}:
            return self.as_sql(compiler, connection)  # type: ignore[attr-defined,no-any-return]  # as above
        sql, params = self.process_lhs(compiler, connection)  # type: ignore[attr-defined]  # as above
        return f"{sql} = ANY(%s::{self.array})", [*params, self.rhs]


class NumbersIn(_Several, In):
    """`in` of a column of whole numbers."""


class RelatedNumbersIn(_Several, RelatedIn):
    """`in` of a foreign key."""


class TextsIn(_Several, In):
    """`in` of a column of texts, for a PreparedQuery: `filter(TextsIn(F("name"), names))`.

    It is not every `__in`: a partial index of some texts needs to see them in the statement.
    """

    kind = str
    array = "text[]"

    def kept(self, values: Iterable[Any]) -> list[Any]:
        return list(values)


def register() -> None:
    """Let every `__in` of whole numbers be written so."""
    for field in (IntegerField, AutoField, BigAutoField):
        field.register_lookup(NumbersIn)
    ForeignKey.register_lookup(RelatedNumbersIn)
