"""Finding a row by whatever a person types: public id, name or slug."""

from typing import Any, TypeVar

from django.db.models import QuerySet

from deployments.base import public_ids
from deployments.base.models import SpaceOwned

M = TypeVar("M", bound=SpaceOwned)


def find(rows: "QuerySet[M]", text: str, *, prefix: str = "") -> M | None:
    """Return the row with this public id, else this name ignoring case, else this slug.

    A name in the very same case comes before one that differs in it.
    """
    wanted = text.strip()
    if not wanted:
        return None
    kind = prefix or str(rows.model.id_prefix)
    number = public_ids.parse(kind, wanted)
    if number is not None and (row := rows.filter(pk=number).first()) is not None:
        return row
    named = list(rows.filter(name__iexact=wanted))
    if named:
        return next((row for row in named if _name(row) == wanted), named[0])
    return rows.filter(slug=wanted.lower()).first()


def _name(row: Any) -> str:
    return str(row.name)
