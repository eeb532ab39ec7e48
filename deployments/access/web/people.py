"""People to choose from in a form: some of them, and a search where there are more."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from deployments.access import queries
from deployments.access.models import User
from deployments.access.web.pages import PageRequest

MOST: Final = 200
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
    text = request.GET.get("people", "").strip()[:_LONGEST]
    rows = queries.users_visible_to(request.actor)
    if not deactivated:
        rows = rows.filter(is_active=True)
    if text:
        rows = rows.filter(Q(username__icontains=text) | Q(display_name__icontains=text))
    found = list(rows.exclude(pk__in=[user.pk for user in without])[: MOST + 1])
    return People(found[:MOST], text, len(found) > MOST)
