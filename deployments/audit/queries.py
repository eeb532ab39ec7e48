"""Reading events as far as an actor may."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from deployments.access.grant_rules import Assignment, Grants
from deployments.access.grants import load_grants
from deployments.access.permissions import Permission
from deployments.access.spaces import visible_spaces
from deployments.base.actor import Actor
from deployments.base.models import Event, EventRelated, Space

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
    """
    seen = Q(pk__in=[])
    for candidate in [space] if space else visible_spaces(actor):
        grants = load_grants(actor, candidate)
        seen |= Q(space=candidate) & _of_space(grants)
    if include_system and load_grants(actor, None).allows_system(Permission.EventView):
        seen |= Q(space__isnull=True)
    return Event.objects.filter(seen).select_related("space").order_by("-id")


def about(rows: QuerySet[Event], document_ids: Iterable[str]) -> QuerySet[Event]:
    """Return the events that concern any of the documents."""
    related = EventRelated.objects.filter(document_id__in=list(document_ids))
    return rows.filter(pk__in=related.values("event"))


def _of_space(grants: Grants) -> Q:
    if grants.everything:
        return Q()
    seen = Q(pk__in=[])
    for assignment in grants.assignments:
        if Permission.EventView in assignment.permissions:
            part = _of_assignment(assignment)
            if part == Q():
                return part
            seen |= part
    return seen


def _of_assignment(assignment: Assignment) -> Q:
    rows = Q()
    for limits, values, prefix in _KINDS:
        if getattr(assignment, limits):
            ids = [f"{prefix}-{number}" for number in sorted(getattr(assignment, values))]
            related = EventRelated.objects.filter(document_id__in=ids)
            rows &= Q(pk__in=related.values("event"))
    return rows
