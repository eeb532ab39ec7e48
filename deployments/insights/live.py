"""Telling open boards that something has happened: they follow the stream of events."""

from collections.abc import Collection
from typing import Final

from deployments.audit.categories import GROUPS
from deployments.base.following.stream import Place, newest_place, read_after
from deployments.base.following.telling import Telling
from deployments.base.models import Event

CATEGORIES: Final = frozenset(
    {
        *GROUPS["Deployment"],
        *GROUPS["Document"],
        "DefectReported",
        "DefectResolved",
        "GuidedFailureInterruptionRaised",
        "ManualInterventionInterruptionRaised",
        "TaskCanceled",
        "TaskStateChanged",
    }
)
_BATCH: Final = 500


def _look(place: Place | None, _viewed: Collection[int]) -> tuple[Place, set[int | None]]:
    """Return how far the stream goes now, and the spaces in which something has changed."""
    if place is None:
        return newest_place(), set()
    seen = read_after(place, limit=_BATCH)
    numbers = [each.place.event_id for each in seen if each.category in CATEGORIES]
    if not numbers:
        return (seen[-1].place if seen else place), set()
    rows = Event.objects.filter(pk__in=numbers).order_by()
    return seen[-1].place, set(rows.values_list("space_id", flat=True).distinct())


boards: Final = Telling(_look)
