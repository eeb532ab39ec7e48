"""Searching packages: the newest version of each id, and the order of the hits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Case, IntegerField, OuterRef, Subquery, Value, When
from django.db.models.functions import StrIndex
from django.db.models.lookups import Exact, GreaterThan

if TYPE_CHECKING:
    from deployments.base.querysets import SpaceQuerySet
    from packages_feed.models import BuildInformation, LatestVersion, PackageVersion

V = TypeVar("V", "PackageVersion", "BuildInformation")
S = TypeVar("S", "PackageVersion", "LatestVersion")

_MOST_WORDS = 20


def newest_of_each(rows: "SpaceQuerySet[V]", among: "SpaceQuerySet[V]") -> "SpaceQuerySet[V]":
    """Return those of the rows that are the newest of their id among the others.

    `among` says which versions count, such as stable ones only.
    """
    newest = (
        among.order_by()
        .filter(space_id=OuterRef("space_id"), id_lower=OuterRef("id_lower"))
        .order_by("-version_key", "-version_lower")
        .values("pk")[:1]
    )
    return rows.filter(pk=Subquery(newest))


def words_of(text: str) -> list[str]:
    """Return the words that are searched for, in lower case."""
    return text.lower().split()[:_MOST_WORDS]


def with_words(rows: "SpaceQuerySet[S]", words: Sequence[str]) -> "SpaceQuerySet[S]":
    """Return the rows that have every word in their id, title, description or tags.

    Looking for its place takes PostgreSQL half of the time of LIKE, which tries it at each letter.
    """
    return rows.filter(*(GreaterThan(StrIndex("search_text", Value(word)), 0) for word in words))


def ranked(rows: "SpaceQuerySet[S]", words: Sequence[str]) -> "SpaceQuerySet[S]":
    """Return the rows in order: the exact id, ids that start with it or contain it, the rest."""
    if not words:
        return rows.order_by("id_lower")
    place = StrIndex("id_lower", Value(words[0]))
    rank = Case(
        When(Exact(place, 0), then=Value(3)),  # first, for of many hits most are so
        When(id_lower=words[0], then=Value(0)),
        When(Exact(place, 1), then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return rows.order_by(rank, "id_lower")
