"""People to choose from in a form: some of them, and a search where there are more."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from deployments.access import queries
from deployments.access.models import User
from deployments.access.web.pages import PageRequest

MOST: Final = 200
MOST_SUGGESTED: Final = 20
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class People:
    """Those that fit the text of the search; `has_more` says that not all of them are here."""

    rows: list[User]
    text: str
    has_more: bool

    def __bool__(self) -> bool:
        return bool(self.rows)

    @property
    def is_searched(self) -> bool:
        """Whether to show the search: a short list needs none."""
        return self.has_more or bool(self.text)


def people_to_choose(
    request: PageRequest, *, without: Collection[User] = (), deactivated: bool = False
) -> People:
    """Return the people that the reader may see, whose names have the text of `people`.

    Active ones, unless those who are `deactivated` count too.
    """
    rows = queries.users_visible_to(request.actor)
    if not deactivated:
        rows = rows.filter(is_active=True)
    return _found(
        rows.exclude(pk__in=[user.pk for user in without]), request.GET.get("people", ""), MOST
    )


def people_named(request: PageRequest, text: str) -> People:
    """Return the first of all people that the reader may see, whose names have the text.

    Those who are deactivated count: what they did is still looked for.
    """
    return _found(queries.users_visible_to(request.actor), text, MOST_SUGGESTED)


def _found(rows: QuerySet[User], text: str, most: int) -> People:
    text = text.strip()[:_LONGEST]
    if text:
        rows = rows.filter(Q(username__icontains=text) | Q(display_name__icontains=text))
    found = list(rows.order_by("username")[: most + 1])
    return People(found[:most], text, len(found) > most)
