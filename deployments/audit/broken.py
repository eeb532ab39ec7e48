"""What of a subscription leads nowhere any more: deleted projects and teams, unknown values.

Such a subscription is skipped, or the part of it is; pages say so with these texts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from deployments.access.models import User
from deployments.access.scope_values import KINDS, NOUNS, visible_names
from deployments.audit.categories import CATEGORIES, GROUPS
from deployments.audit.clients import CLIENTS, OTHER
from deployments.audit.documents import DOCUMENT_TYPES
from deployments.audit.filters import filter_from_wire
from deployments.audit.models import Subscription
from deployments.audit.subscribers import teams_of
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.models import Space

# Lists of a filter that are alternatives to one another, with what one value is called.
_PARTS: Final = (
    (("projects", "project"), ("project_groups", "project_group")),
    (("environments", "environment"),),
    (("tenants", "tenant"), ("tags", "tenant_tag")),
    (("categories", "kind of event"), ("groups", "group of kinds")),
    (("users", "user"),),
    (("agents", "program"),),
    (("document_types", "kind of thing"),),
)
KNOWN_VALUES: Final[Mapping[str, Collection[str]]] = {
    "categories": CATEGORIES,
    "groups": GROUPS,
    "agents": [*(client.key for client in CLIENTS), OTHER],
    "document_types": DOCUMENT_TYPES,
}
_SYSTEM_USER: Final = "users-system"
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Broken:
    """What is gone, in words; `stops` when nothing is sent because of it."""

    text: str
    stops: bool


def broken_parts(space: Space, rows: Iterable[Subscription]) -> dict[int, list[Broken]]:
    """Return what is broken of each subscription of the space, by primary key."""
    subscriptions = list(rows)
    known = _known_values(space, subscriptions)
    found = {row.pk: [*_of_filter(row, known), *_of_teams(row)] for row in subscriptions}
    return {number: parts for number, parts in found.items() if parts}


def _known_values(
    space: Space, subscriptions: Iterable[Subscription]
) -> Mapping[str, Collection[str]]:
    filters = [filter_from_wire(row.wanted) for row in subscriptions]
    scopes = {
        name: kind
        for part in _PARTS
        for name, kind in part
        if kind in KINDS and any(getattr(wanted, name) for wanted in filters)
    }
    names = visible_names(Actor.system("subscriptions"), space, scopes.values())
    users = {text for wanted in filters for text in wanted.users}
    numbers = [public_ids.parse(User.id_prefix, text) for text in users]
    people = User.objects.filter(pk__in=[number for number in numbers if number])
    return {
        **KNOWN_VALUES,
        **{name: names.of(kind) for name, kind in scopes.items()},
        "users": {_SYSTEM_USER, *(user.public_id for user in people)} if users else (),
    }


def _of_filter(row: Subscription, known: Mapping[str, Collection[str]]) -> list[Broken]:
    wanted, found = filter_from_wire(row.wanted), []
    for part in _PARTS:
        values = [(name, text) for name, _ in part for text in getattr(wanted, name)]
        gone = [text for name, text in values if text not in known[name]]
        if gone:
            what = " or ".join(NOUNS[kind][0] if kind in NOUNS else kind for _, kind in part)
            more = len(gone) - _MOST_NAMED
            listed = ", ".join(gone[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
            stops = len(gone) == len(values)
            rest = "no event can fit." if stops else "the others it names still count."
            found.append(Broken(f"There is no {what} {listed} any more: {rest}", stops))
    return found


def _of_teams(row: Subscription) -> list[Broken]:
    found = []
    for ids, text in (
        (row.webhook_teams, "The teams that limit the web address were deleted: it gets nothing."),
        (row.email_teams, "The teams that get mail were deleted: nobody gets any."),
    ):
        if ids and not teams_of(ids):
            found.append(Broken(text, stops=True))
    return found
