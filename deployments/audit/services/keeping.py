"""What people decide about the archive: how long events stay, what goes, and is it whole?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from deployments.access.permissions import Permission
from deployments.access.policy import require_system
from deployments.audit.archives.chain import Link, Verdict, verify
from deployments.audit.archives.lines import is_same, number_of
from deployments.audit.archives.store import ArchiveMissing, ArchiveUnavailable, archive_store
from deployments.audit.models import EventArchive
from deployments.audit.settings import (
    LEAST_ARCHIVE_DAYS,
    MOST_DAYS,
    RETENTION_DAYS,
    VERDICT,
    first_kept_day,
    retention_days,
)
from deployments.audit.wire import DERIVED, event_document
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Event
from deployments.base.settings_rows import get_setting, set_setting
from deployments.base.wake import wake

SUBJECT = "eventretention"


def set_retention_days(*, actor: Actor, days: int | None, clock: Clock = utc_now) -> None:
    """Say how many days events stay in the database. Raises NotPermitted, Invalid."""
    require_system(actor, Permission.ConfigureServer)
    if days is None or not 1 <= days <= MOST_DAYS:
        raise Invalid(fields={"EventRetentionDays": [f"A number of days from 1 to {MOST_DAYS}."]})
    with transaction.atomic():
        before = retention_days()
        set_setting(RETENTION_DAYS, days)
        events.record(
            actor=actor,
            space=None,
            category="Modified",
            message=f"Events stay in the database for {days} days",
            subject=SUBJECT,
            before={"EventRetentionDays": before},
            after={"EventRetentionDays": days},
            clock=clock,
        )


def delete_archive(*, actor: Actor, archive: EventArchive, clock: Clock = utc_now) -> None:
    """Delete the file of an old day; its link of the chain stays. Raises NotPermitted, Invalid."""
    require_system(actor, Permission.EventRetentionDelete)
    if archive.day > (clock() - timedelta(days=LEAST_ARCHIVE_DAYS)).date():
        raise Invalid(f"A file is deleted when it is {LEAST_ARCHIVE_DAYS} days old, not before.")
    if archive.emptied is None:
        raise Invalid("Its events are still in the database; their retention decides when they go.")
    with transaction.atomic():
        rows = EventArchive.objects.filter(pk=archive.pk, deleted=None)
        row = rows.first()
        if row is None:
            return
        if not row.is_sealed:
            raise Invalid("What the database says of the file was altered; check the archive.")
        row.deleted, row.deleted_by = clock(), actor.username
        sealed = row.sealed_anew()
        if not rows.update(deleted=row.deleted, deleted_by=row.deleted_by, sealed_link=sealed):
            return
        archive_store().drop(archive.sha256)
        events.record(
            actor=actor,
            space=None,
            category="Deleted",
            message=f"The archive {archive.file_name} was deleted",
            subject=archive.public_id,
            before={"File": archive.file_name, "SHA-256": archive.sha256, "Events": archive.count},
            clock=clock,
        )


@dataclass(frozen=True, slots=True)
class Checked:
    """The last check of the archive, or one that is going on (`at` is None)."""

    at: datetime | None
    is_intact: bool
    text: str


def ask_for_check() -> None:
    """Have a worker look whether the archive is intact; last_check tells the outcome."""
    with transaction.atomic():
        set_setting(VERDICT, {"at": "", "intact": False, "text": "The archive is being read."})
        wake("audit.verify")


def check_archive(*, clock: Clock = utc_now) -> Verdict:
    """Read the whole archive and keep what was found. Raises ArchiveUnavailable and OSError."""
    try:
        verdict = verify(_links(first_kept_day(clock())), _read, _compare)
    except (ArchiveUnavailable, OSError) as error:
        _keep_verdict(clock, is_intact=False, text=f"Not checked: {error}")
        raise
    _keep_verdict(clock, is_intact=verdict.is_intact, text=words_of(verdict))
    return verdict


def _keep_verdict(clock: Clock, *, is_intact: bool, text: str) -> None:
    at = clock().isoformat(timespec="seconds")
    set_setting(VERDICT, {"at": at, "intact": is_intact, "text": text})


def last_check() -> Checked | None:
    """Return what the last check has found."""
    kept: Any = get_setting(VERDICT)
    if not isinstance(kept, dict):
        return None
    return Checked(parse_datetime(str(kept["at"])), bool(kept["intact"]), str(kept["text"]))


def words_of(verdict: Verdict) -> str:
    """Return the verdict as a sentence."""
    if verdict.broken:
        return f"Broken at {verdict.broken}: {verdict.reason}."
    gone = f", {verdict.deleted} deleted by people who may" if verdict.deleted else ""
    files = "1 file was" if verdict.files == 1 else f"{verdict.files} files were"
    events = f"{verdict.events} event{'' if verdict.events == 1 else 's'}"
    return f"Intact: {files} read, with {events}{gone}."


def _links(first_kept: date) -> Iterator[Link]:
    for row in EventArchive.objects.order_by("day"):
        yield Link(
            name=row.file_name,
            sha256=row.sha256,
            previous=row.previous,
            count=row.count,
            is_sealed=row.is_sealed,
            is_deleted=row.deleted is not None,
            is_emptied=row.emptied is not None,
            is_expiring=row.day < first_kept,
        )


def _read(sha256: str) -> Iterator[bytes]:
    try:
        yield from archive_store().open(sha256)
    except ArchiveMissing as error:
        raise LookupError(sha256) from error


def _compare(link: Link, lines: Sequence[bytes]) -> str:
    """Say which event in the database differs from its line, or is there although it was removed.

    While retention removes them, one may be there or not.
    """
    wanted = {number_of(text): text for text in lines}
    rows = Event.objects.filter(pk__in=list(wanted))
    if link.is_emptied:
        left = rows.order_by("pk").values_list("pk", flat=True).first()
        return f"Events-{left} is in the database again" if left else ""
    stored = {event.pk: event_document(event) for event in rows.prefetch_related("related")}
    for number, text in wanted.items():
        if number not in stored:
            if link.is_expiring:
                continue
            return f"Events-{number} is gone from the database"
        if not is_same(text, stored[number], DERIVED):
            return f"Events-{number} was altered in the database"
    return ""
