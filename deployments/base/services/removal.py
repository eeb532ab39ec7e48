"""The one way to remove events, which the triggers of the database let pass."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from deployments.base.models import Event, EventRelated, EventRemoval


def remove_events(pks: Sequence[int], *, reason: str) -> int:
    """Remove events and what they are related to, in one transaction; return how many.

    For the retention of events only: the caller has made sure that they are kept elsewhere.
    """
    with transaction.atomic(), _allowed(reason):
        related = EventRelated.objects.filter(event__in=pks)
        related._raw_delete(related.db)  # noqa: SLF001 no collector reads what it deletes
        rows = Event.objects.filter(pk__in=pks)
        return int(rows._raw_delete(rows.db))  # noqa: SLF001 delete() refuses


@contextmanager
def _allowed(reason: str) -> Iterator[None]:
    marker = EventRemoval.objects.create(reason=reason[:100])
    yield
    marker.delete()
