"""Which events are wanted: the same for the page, the REST API, exports and subscriptions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from deployments.access.grants import expand
from deployments.audit.categories import categories_of
from deployments.audit.clients import acted_through
from deployments.audit.queries import about
from deployments.base import public_ids
from deployments.base.models import Event, Space

MOST_VALUES: Final = 200
LONGEST_VALUE: Final = 300
UNREADABLE: Final = "?"  # no id, no name
# Numbers follow the clock but for transactions side by side. With the range of numbers beside the
# times the newest events are read in order from an index, and no further than the range.
_OUT_OF_ORDER: Final = 10_000
_FAR: Final = 2**62


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Lists of ids and names; values of a list are alternatives, an empty list wants all.

    Categories and their groups are one list. A project group stands for its projects as well, a
    tag for the tenants that have it.
    """

    users: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    project_groups: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    document_types: tuple[str, ...] = ()
    regarding: tuple[str, ...] = ()
    regarding_any: tuple[str, ...] = ()
    begin: datetime | None = None
    end: datetime | None = None
    text: str = ""
    username: str = ""

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


# Names on the wire and in stored subscriptions.
WIRE: Final = {
    "users": "Users",
    "projects": "Projects",
    "project_groups": "ProjectGroups",
    "environments": "Environments",
    "groups": "EventGroups",
    "categories": "EventCategories",
    "agents": "EventAgents",
    "tenants": "Tenants",
    "tags": "Tags",
    "document_types": "DocumentTypes",
}


def filter_to_wire(wanted: EventFilter) -> dict[str, list[str]]:
    """Return the lists of a filter by their names on the wire."""
    return {wire: list(getattr(wanted, name)) for name, wire in WIRE.items()}


def filter_from_wire(values: object) -> EventFilter:
    """Return the filter that `filter_to_wire` wrote; what cannot be read wants nothing."""
    if not isinstance(values, Mapping):
        values = dict.fromkeys(WIRE.values(), UNREADABLE)
    lists: dict[str, Any] = {name: _texts(values.get(wire)) for name, wire in WIRE.items()}
    return EventFilter(**lists)


def _texts(found: object) -> tuple[str, ...]:
    if isinstance(found, list | tuple):
        return tuple(text if isinstance(text, str) else UNREADABLE for text in found)
    return (UNREADABLE,) if found else ()


def chosen(
    rows: "QuerySet[Event]", wanted: EventFilter, spaces: Iterable[Space]
) -> "QuerySet[Event]":
    """Return the events that the filter wants; groups and tags are those of the spaces."""
    among = list(spaces) if wanted.project_groups or wanted.tags else []
    for documents in (
        _with_members(wanted.projects, "Projects", "project_group", wanted.project_groups, among),
        _with_members(wanted.tenants, "Tenants", "tenant_tag", wanted.tags, among),
        wanted.environments,
        wanted.regarding_any,
        *((document,) for document in wanted.regarding),
    ):
        if documents:
            rows = about(rows, documents)
    if wanted.users:
        rows = rows.filter(actor_id__in=wanted.users)
    if categories := categories_of(wanted.categories, wanted.groups):
        rows = rows.filter(category__in=categories)
    if wanted.agents:
        rows = rows.filter(acted_through(wanted.agents))
    if wanted.document_types:
        kinds = Q(pk__in=[])
        for kind in wanted.document_types:
            kinds |= Q(subject_id__istartswith=f"{kind}-")
        rows = rows.filter(kinds)
    return _between(rows, wanted)


def _with_members(
    documents: Iterable[str],
    prefix: str,
    kind: str,
    values: Iterable[str],
    spaces: Iterable[Space],
) -> tuple[str, ...]:
    wanted = frozenset(values)
    found = [*documents, *(sorted(wanted) if kind == "project_group" else ())]
    if wanted:
        for space in spaces:
            members = sorted(expand(space, kind, wanted))
            found.extend(public_ids.make(prefix, number) for number in members)
        found = found or [""]  # a tag that nobody has finds nothing, instead of all
    return tuple(dict.fromkeys(found))


def _between(rows: "QuerySet[Event]", wanted: EventFilter) -> "QuerySet[Event]":
    if wanted.begin is not None:
        rows = rows.filter(pk__gte=_first_since(wanted.begin), occurred__gte=wanted.begin)
    if wanted.end is not None:
        rows = rows.filter(pk__lte=_last_until(wanted.end), occurred__lte=wanted.end)
    if wanted.text:
        rows = rows.filter(message__icontains=wanted.text)
    if wanted.username:
        rows = rows.filter(actor_name__icontains=wanted.username)
    return rows


def _first_since(moment: datetime) -> int:
    """Return a number below those of all events since the moment, but not far below."""
    rows = Event.objects.filter(occurred__gte=moment).order_by("occurred")
    return (rows.values_list("pk", flat=True).first() or _FAR) - _OUT_OF_ORDER


def _last_until(moment: datetime) -> int:
    rows = Event.objects.filter(occurred__lte=moment).order_by("-occurred")
    return (rows.values_list("pk", flat=True).first() or 0) + _OUT_OF_ORDER
