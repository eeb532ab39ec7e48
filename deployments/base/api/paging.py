"""The paging envelope that every list answers with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, IntegerField, QuerySet, Value, When

from deployments.base.api.query import Query

DEFAULT_TAKE = 30
ALL = 2147483647
STANDARD_NAMES = ("skip", "take", "ids", "partialName")


@dataclass(frozen=True)
class Page:
    """Some rows of a list and where they stand in it."""

    rows: Sequence[Any]
    total: int
    skip: int
    take: int


def cut(rows: "QuerySet[Any] | Sequence[Any]", query: Query) -> Page:
    """Return the rows that skip and take of the query ask for (30 unless told)."""
    skip = query.number("skip", 0)
    take = min(query.number("take", DEFAULT_TAKE), ALL)
    total = rows.count() if isinstance(rows, QuerySet) else len(rows)
    # No LIMIT for "everything": the sum would pass the 64 bits of the databases.
    chosen = rows[skip : min(skip + take, max(total, skip))]
    return Page(list(chosen), total, skip, take)


def envelope(
    page: Page,
    items: Sequence[Any],
    *,
    item_type: str,
    path: str,
    query: Query,
    names: Sequence[str] = STANDARD_NAMES,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the JSON of one page; `names` are the query names of the list's template."""
    size = max(page.take, 1)
    pages = max(1, -(-page.total // size))
    last = (pages - 1) * size
    filters = [
        (name, text) for name, text in query.pairs() if name not in {"skip", "take", "apikey"}
    ]

    def at(skip: int, take: int) -> str:
        return f"{path}?{urlencode([('skip', skip), ('take', take), *filters])}"

    links = {
        "Self": at(page.skip, page.take),
        "Template": f"{path}{{?{','.join(names)}}}",
        "Page.All": at(0, ALL),
        "Page.Current": at(page.skip, page.take),
        "Page.Last": at(last, page.take),
    }
    if page.take and page.skip + page.take < page.total:
        links["Page.Next"] = at(page.skip + page.take, page.take)
    if page.skip:
        links["Page.Previous"] = at(max(0, page.skip - page.take), page.take)
    return {
        "ItemType": item_type,
        "TotalResults": page.total,
        "ItemsPerPage": page.take,
        "NumberOfPages": pages,
        "LastPageNumber": pages - 1,
        "Items": list(items),
        **(extra or {}),
        "Links": links,
    }


def by_name(rows: "QuerySet[Any]", text: str, *, field: str = "name") -> "QuerySet[Any]":
    """Return the rows whose name contains the text ignoring case, exact matches first."""
    if not text:
        return rows
    exact = Case(
        When(**{f"{field}__iexact": text}, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    order = rows.query.order_by or rows.model._meta.ordering or ["pk"]  # noqa: SLF001
    return rows.filter(**{f"{field}__icontains": text}).order_by(exact, *order)
