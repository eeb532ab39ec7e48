"""`__in` with many row numbers: one parameter for PostgreSQL instead of one for each number.

A matrix asks for what hundreds of releases have. With a placeholder for each, Django and psycopg
take more time to write such a statement than PostgreSQL to answer it: each number is looked at six
times, and a statement as long as that is not kept from one request to the next. As an array the
statement is short and always the same. SQLite, where asking costs little, gets what Django writes.
"""

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


class _Numbers:
    """What both lookups share: whole numbers alone are taken as they are."""

    lhs: Any
    rhs: Any

    def get_prep_lookup(self) -> Any:
        if isinstance(self.rhs, _COLLECTIONS) and set(map(type, self.rhs)) == {int}:
            return [number for number in dict.fromkeys(self.rhs) if _LEAST <= number <= _MOST]
        return super().get_prep_lookup()  # type: ignore[misc]  # of the lookup beside it

    def as_postgresql(
        self, compiler: "SQLCompiler", connection: "BaseDatabaseWrapper"
    ) -> tuple[str, Any]:
        if type(self.rhs) is not list or set(map(type, self.rhs)) != {int}:
            return self.as_sql(compiler, connection)  # type: ignore[attr-defined,no-any-return]  # as above
        sql, params = self.process_lhs(compiler, connection)  # type: ignore[attr-defined]  # as above
        return f"{sql} = ANY(%s::bigint[])", [*params, self.rhs]


class NumbersIn(_Numbers, In):
    """`in` of a column of whole numbers."""


class RelatedNumbersIn(_Numbers, RelatedIn):
    """`in` of a foreign key."""


def register() -> None:
    """Let every `__in` of whole numbers be written so."""
    for field in (IntegerField, AutoField, BigAutoField):
        field.register_lookup(NumbersIn)
    ForeignKey.register_lookup(RelatedNumbersIn)
