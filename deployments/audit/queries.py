"""Reading events as far as an actor may."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from deployments.access.grant_rules import Assignment, Grants
from deployments.access.grants import load_grants
from deployments.access.permissions import Permission
from deployments.access.reaches import Reach, joined
from deployments.access.spaces import visible_spaces
from deployments.audit.models import EventArchive
from deployments.base.actor import Actor
from deployments.base.models import Event, EventRelated, Space

_COUNTED: Final = 10_000
_COUNTED_IF_LIMITED: Final = 250
# Further behind, numbers are counted by the database alone, whatever it takes.
_DEEP: Final = 10_000
Narrow = Callable[["QuerySet[Event]"], "QuerySet[Event]"]
_KINDS = (
    ("limits_projects", "projects", "Projects"),
    ("limits_environments", "environments", "Environments"),
    ("limits_tenants", "tenants", "Tenants"),
)


def events_visible_to(
    actor: Actor, space: Space | None = None, *, include_system: bool = True
) -> QuerySet[Event]:
    """Return the events of the space (or of all spaces) that the actor may see, newest first.

    A grant that is limited to projects, environments or tenants shows events about those only.
    Who sees the events of the server sees those of spaces that are deleted, too.
    """
    parts = visible_parts(actor, space, include_system=include_system)
    return Event.objects.filter(_any_of(parts)).order_by("-id")


def visible_parts(
    actor: Actor, space: Space | None = None, *, include_system: bool = True
) -> list[Q]:
    """Return filters that together are what `events_visible_to` shows.

    Each can be answered from an index, which their union cannot: a page of a million events that
    somebody sees a few of takes a second by the one and milliseconds by the others.
    """
    parts, whole = [], []
    for candidate in [space] if space else visible_spaces(actor):
        for seen in _parts_of_space(load_grants(actor, candidate)):
            if seen == Q():
                whole.append(candidate.pk)
            else:
                parts.append(Q(space=candidate) & seen)
    if include_system and load_grants(actor, None).allows_system(Permission.EventView):
        parts.append(Q(space__isnull=True))
        if space is None:
            gone = Space.every.exclude(deletion="")
            parts.append(Q(space__in=gone.values("pk")))
    return [*([Q(space__in=whole)] if whole else []), *parts]


def newest_events(
    parts: Iterable[Q], narrow: Narrow, *, before: int | None = None, limit: int
) -> list[Event]:
    """Return the newest events of any of the parts, narrowed, with their related documents."""
    return _events(_newest(parts, narrow, before=before, limit=limit))


def page_of_events(
    parts: Sequence[Q], narrow: Narrow, *, skip: int, take: int
) -> tuple[list[Event], int]:
    """Return the newest events after so many, and how many there are.

    They are counted some way behind the page: counting takes longer than reading, and longer yet
    where each event is looked up by what it is about.
    """
    is_limited = any(isinstance(each, Exists) for part in parts for each in part.flatten())
    at_most = skip + take + (_COUNTED_IF_LIMITED if is_limited else _COUNTED)
    if skip <= _DEEP:
        numbers = _newest(parts, narrow, before=None, limit=at_most)
        return _events(numbers[skip : skip + take]), len(numbers)
    rows = narrow(Event.objects.filter(_any_of(parts)))
    total = rows.order_by()[:at_most].count()
    shown = rows.order_by("-id").prefetch_related("related")
    return list(shown[skip : min(skip + take, max(total, skip))]), total


def _newest(parts: Iterable[Q], narrow: Narrow, *, before: int | None, limit: int) -> list[int]:
    found: set[int] = set()
    for part in parts:
        rows = narrow(Event.objects.filter(part))
        if before is not None:
            rows = rows.filter(pk__lt=before)
        found.update(rows.order_by("-id").values_list("pk", flat=True)[:limit])
    return sorted(found, reverse=True)[:limit]


def _events(numbers: list[int]) -> list[Event]:
    return list(Event.objects.filter(pk__in=numbers).order_by("-id").prefetch_related("related"))


def _any_of(parts: Iterable[Q]) -> Q:
    seen = Q(pk__in=[])
    for part in parts:
        seen |= part
    return seen


def about(rows: "QuerySet[Event]", document_ids: Iterable[str]) -> "QuerySet[Event]":
    """Return the events that concern any of the documents."""
    ids = list(document_ids)
    return rows.filter(
        Exists(EventRelated.objects.filter(event=OuterRef("pk"), document_id__in=ids))
    )


def visible_through(grants: Iterable[Grants]) -> Q:
    """Return the filter for events of a space that any of the grants in it shows."""
    seen = Q(pk__in=[])
    for one in grants:
        for part in _parts_of_space(one):
            if part == Q():
                return part
            seen |= part
    return seen


def _parts_of_space(grants: Grants) -> list[Q]:
    if grants.everything:
        return [Q()]
    held = [one for one in grants.assignments if Permission.EventView in one.permissions]
    return [_of_reach(reach) for reach in joined(map(_reach, held))]


def archives_visible_to(actor: Actor) -> QuerySet[EventArchive]:
    """Return the files of the archive to those who may see them, else none."""
    if load_grants(actor, None).allows_system(Permission.EventRetentionView):
        return EventArchive.objects.all()
    return EventArchive.objects.none()


def _reach(assignment: Assignment) -> Reach:
    return tuple(
        frozenset(getattr(assignment, values)) if getattr(assignment, limits) else None
        for limits, values, _ in _KINDS
    )


def _of_reach(reach: Reach) -> Q:
    rows = Q()
    for numbers, (_, _, prefix) in zip(reach, _KINDS, strict=True):
        if numbers is not None:
            ids = sorted(f"{prefix}-{number}" for number in numbers)
            related = EventRelated.objects.filter(event=OuterRef("pk"), document_id__in=ids)
            rows &= Q(Exists(related))
    return rows
