"""Pages of what a search finds; each kind of search is put together once."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db.models import Count, QuerySet, Subquery, Value, Window
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from deployments.base.models import Space
from deployments.base.rows import PreparedQuery
from packages_feed.queries.latest import latest_versions, latest_with_words
from packages_feed.queries.search import words_of

if TYPE_CHECKING:
    from packages_feed.models import Latest

    Row = tuple[int, int]
    """The number of a hit's version, and how many hits there are."""


@dataclass(frozen=True)
class Wanted:
    """What is searched for: latest versions of a kind, of a package type if one is given.

    They come by the rank of the hit, or by id alone.
    """

    kind: "Latest"
    text: str
    package_type: str = ""
    by_id: bool = False


def page_of_hits(space: Space, wanted: Wanted, *, skip: int, take: int) -> tuple[list[int], int]:
    """Return the row numbers of a page of what is wanted, and how many there are of it all."""
    words = words_of(wanted.text)
    kind = wanted.package_type.lower()
    query = _hits(wanted.kind, len(words), is_typed=bool(kind), by_id=wanted.by_id)
    values = (space.pk, *words, *([f",{kind},"] if kind else ()))
    found = query.all(*values, skip=skip, take=take)
    if found:
        return [key for key, _ in found], found[0][1]
    # Every hit tells how many there are, but a page after the last has none.
    first = query.all(*values, take=1) if skip or not take else []
    return [], first[0][1] if first else 0


@cache
def _hits(kind: "Latest", words: int, *, is_typed: bool, by_id: bool) -> "PreparedQuery[Row]":
    """Return the query for hits with so many words, the type after them."""

    def make(number: int, *texts: str) -> "QuerySet[Any, Row]":
        space = Space(pk=number)
        rows = latest_with_words(space, kind, texts[:words])
        if by_id:
            rows = rows.order_by("id_lower")
        if is_typed:
            place = StrIndex("version__package_types", Value(texts[-1]))
            rows = rows.filter(GreaterThan(place, 0))
        total: Window | Subquery = Window(Count("*"))
        if not texts:
            # The page is the beginning of an index here, and counting alone reads no rows.
            counted = latest_versions(space, kind).order_by().values("kind")
            total = Subquery(counted.annotate(total=Count("*")).values("total"))
        return rows.annotate(total=total).values_list("version", "total")

    return PreparedQuery(make, int, *[str] * (words + is_typed))
