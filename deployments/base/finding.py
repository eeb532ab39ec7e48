"""Finding a row by whatever a person types: public id, name or slug."""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import QuerySet

from deployments.base import public_ids
from deployments.base.errors import Invalid
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


def find_all(rows: "QuerySet[M]", ids: Iterable[str], *, field: str) -> list[M]:
    """Return the rows with these public ids in their order; raises Invalid naming the unknown."""
    wanted = list(dict.fromkeys(ids))
    numbers = {text: public_ids.parse(str(rows.model.id_prefix), text) for text in wanted}
    found = {row.pk: row for row in rows.filter(pk__in=[n for n in numbers.values() if n])}
    unknown = [text for text in wanted if numbers[text] not in found]
    if unknown:
        raise Invalid(fields={field: [f"{field}: there is no {text}." for text in unknown]})
    return [found[number] for number in numbers.values() if number is not None]


def find_one(rows: "QuerySet[M]", text: str | None, *, field: str) -> M:
    """Return the row with this public id; raises Invalid when there is none."""
    if not text:
        raise Invalid(fields={field: [f"{field} is required."]})
    return find_all(rows, [text], field=field)[0]
