"""Searching packages: the newest version of each id, and the order of the hits."""

from typing import TYPE_CHECKING, TypeVar

from django.db.models import Case, IntegerField, OuterRef, Q, Subquery, Value, When

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


def with_words(rows: "SpaceQuerySet[S]", text: str) -> "SpaceQuerySet[S]":
    """Return the rows that have every word in their id, title, description or tags."""
    matches = Q()
    for word in text.lower().split()[:_MOST_WORDS]:
        matches &= Q(search_text__contains=word)
    return rows.filter(matches)


def ranked(rows: "SpaceQuerySet[S]", text: str) -> "SpaceQuerySet[S]":
    """Return the rows in order: the exact id, ids that start with it or contain it, the rest."""
    words = text.lower().split()
    first = words[0] if words else ""
    if not first:
        return rows.order_by("id_lower")
    rank = Case(
        When(id_lower=first, then=Value(0)),
        When(id_lower__startswith=first, then=Value(1)),
        When(id_lower__contains=first, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return rows.order_by(rank, "id_lower")
