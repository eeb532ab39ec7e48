"""Writing each day's events into a file, whose first line names the file before.

A file has what has entered the stream since the file before, up to the last event of its day; what
is committed late is in the next one. So nothing is missed and nothing is written twice, and an
event leaves the database only after the file that has it was read and found whole.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import structlog
from django.db import transaction
from django.db.models import prefetch_related_objects

from deployments.audit.archives.lines import heading, line, lines_of, number_of
from deployments.audit.archives.store import ArchiveUnavailable, KeptFile, archive_store
from deployments.audit.models import EventArchive
from deployments.audit.settings import first_kept_day
from deployments.audit.wire import event_document
from deployments.base.clock import Clock, utc_now
from deployments.base.following.stream import (
    Place,
    events_between,
    first_after,
    forget_transactions,
    is_from_elsewhere,
    last_before,
)
from deployments.base.models import Event, EventCursor
from deployments.base.services.removal import remove_events

log = structlog.get_logger(__name__)

CURSOR: Final = "audit.archive"
_BATCH: Final = 500
# Transactions of the last minutes of a day have ended by then, mostly.
_AFTER_MIDNIGHT: Final = timedelta(minutes=15)
_MOST_DAYS: Final = 400


def archive_days(*, clock: Clock = utc_now) -> int:
    """Write the files of the days that have ended; return how many."""
    count = 0
    try:
        while count < _MOST_DAYS and archive_next_day(clock=clock) is not None:
            count += 1
    except (ArchiveUnavailable, OSError) as error:
        log.warning("events cannot be archived now", error=str(error))
    return count


def archive_next_day(*, clock: Clock = utc_now) -> EventArchive | None:
    """Write the file of the first day that has none; None when all that have ended have one."""
    cursor, _ = EventCursor.objects.get_or_create(pk=CURSOR)
    start = Place(cursor.transaction_id, cursor.event_id)
    if is_from_elsewhere(start):
        forget_transactions()
        start = Place(0, start.event_id)
    last = EventArchive.objects.first()
    day = _next_day(start, last, clock)
    end = last_before(_midnight_after(day), after=start) if day is not None else None
    if day is None or end is None:
        return None
    row = EventArchive(day=day, previous=last.sha256 if last else "", created=clock())
    path = archive_store().folder() / f"events-{uuid4().hex}"
    try:
        row.count = _write(path, row, start, end)
        kept = archive_store().keep(path)
        return row if _store(row, kept, start, end) else None
    finally:
        path.unlink(missing_ok=True)


def empty_archived(*, clock: Clock = utc_now) -> int:
    """Remove the events from the database that their retention has ended for; return how many."""
    count, first_kept = 0, first_kept_day(clock())
    for row in EventArchive.objects.filter(emptied=None, day__lt=first_kept).order_by("day"):
        try:
            count += _empty(row, clock)
        except (ArchiveUnavailable, ValueError) as error:
            log.warning("events stay, because their archive is not whole", error=str(error))
            break
    return count


def _next_day(start: Place, last: EventArchive | None, clock: Clock) -> date | None:
    first = first_after(start)
    if first is None:
        return None
    ended = (clock() - _AFTER_MIDNIGHT).date() - timedelta(days=1)
    day = first.occurred.date()
    if day > clock().date():
        # A clock was wrong. It goes with what is there, instead of stopping all until its day.
        day = ended
    if last is not None:
        day = max(day, last.day + timedelta(days=1))
    return day if day <= ended else None


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)


def _write(path: Path, row: EventArchive, start: Place, end: Place) -> int:
    count = 0
    with path.open("xb") as file:
        file.write(heading(row.file_name, row.previous))
        for batch in _batches(start, end):
            file.writelines(line(event_document(event)) for event in batch)
            count += len(batch)
    return count


def _batches(start: Place, end: Place) -> Iterator[list[Event]]:
    while batch := events_between(start, end, limit=_BATCH):
        prefetch_related_objects(batch, "related")
        yield batch
        start = Place(batch[-1].transaction_id, batch[-1].pk)


def _store(row: EventArchive, kept: KeptFile, start: Place, end: Place) -> bool:
    """Name the file in a row, unless another worker was first."""
    row.sha256, row.size = kept.sha256, kept.size
    row.sealed_link = row.sealed_anew()
    with transaction.atomic():
        moved = EventCursor.objects.filter(
            pk=CURSOR, transaction_id=start.transaction_id, event_id=start.event_id
        ).update(transaction_id=end.transaction_id, event_id=end.event_id)
        if not moved:
            return False
        archive_store().hold(kept)
        row.save()
    return True


def _empty(row: EventArchive, clock: Clock) -> int:
    """Remove the events of one file, once its bytes are those that were written."""
    digest, numbers = hashlib.sha256(), []

    def pieces() -> Iterator[bytes]:
        for piece in archive_store().open(row.sha256):
            digest.update(piece)
            yield piece

    lines = lines_of(pieces())
    next(lines, b"")
    numbers = [number_of(text) for text in lines]
    if digest.hexdigest() != row.sha256 or len(numbers) != row.count or not row.is_sealed:
        raise ValueError(f"{row.file_name} was altered")
    count = 0
    for first in range(0, len(numbers), _BATCH):
        count += remove_events(numbers[first : first + _BATCH], reason=row.file_name)
    row.emptied = clock()
    rows = EventArchive.objects.filter(pk=row.pk, emptied=None)
    rows.update(emptied=row.emptied, sealed_link=row.sealed_anew())
    return count
