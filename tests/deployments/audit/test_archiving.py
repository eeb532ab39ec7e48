"""The archive: each event in one file, gone from the database only then; tampering shows."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection

from deployments.audit.archives.lines import line
from deployments.audit.archives.store import (
    ArchiveStore,
    ArchiveUnavailable,
    archive_store,
    register_archive_store,
)
from deployments.audit.models import EventArchive
from deployments.audit.services.archiving import archive_days, empty_archived
from deployments.audit.services.keeping import (
    ask_for_check,
    check_archive,
    delete_archive,
    last_check,
    set_retention_days,
)
from deployments.base import events
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.base.secrets import secret_box
from deployments.base.services.removal import remove_events
from packages_feed.models import StoredBlob
from packages_feed.services.blobs import drop_if_unused, sweep_unused_blobs
from tests.factories import SYSTEM, default_space, make_ana, make_cleo
from tests.factories.execution import SettableClock
from tests.support.environment import runs_on_postgres

# On PostgreSQL an event is in the stream once its transaction has ended.
pytestmark = pytest.mark.django_db(transaction=runs_on_postgres())
NOW = datetime(2031, 5, 10, 12, tzinfo=UTC)


def at(moment: datetime) -> SettableClock:
    clock = SettableClock()
    clock.now = moment
    return clock


@pytest.fixture
def clock() -> SettableClock:
    """A clock before which every event of the migrations is archived."""
    one = at(NOW)
    archive_days(clock=one)
    return one


def happen(clock: SettableClock, *messages: str) -> list[int]:
    space = default_space()
    return [
        events.record(
            actor=SYSTEM,
            space=space,
            category="Created",
            message=message,
            subject="Projects-7",
            # No two tests write the same file.
            after={"Name": f"é {uuid4()}"},
            clock=clock,
        ).pk
        for message in messages
    ]


def three_days(clock: SettableClock) -> list[EventArchive]:
    for day in ("one", "two", "three"):
        happen(clock, day)
        clock.now += timedelta(days=1)
    archive_days(clock=clock)
    return list(EventArchive.objects.order_by("-day")[:3])[::-1]


def content(row: EventArchive) -> list[dict[str, object]]:
    pieces = b"".join(archive_store().open(row.sha256))
    return [json.loads(text) for text in pieces.splitlines()]


def number_in(row: EventArchive) -> int:
    number = content(row)[1]["AutoId"]
    assert isinstance(number, int)
    return number


def file_of(row: EventArchive) -> Path:
    folder = Path(settings.OCTOPUS.storage_url.removeprefix("file://"))
    return next(folder.rglob(row.sha256))


def test_each_day_that_has_ended_has_a_file_that_names_the_one_before(
    clock: SettableClock,
) -> None:
    rows = three_days(clock)
    happen(clock, "today")
    assert archive_days(clock=clock) == 0
    assert [row.file_name for row in rows] == [
        "events-2031-05-10.jsonl",
        "events-2031-05-11.jsonl",
        "events-2031-05-12.jsonl",
    ]
    for before, row in pairwise(rows):
        head, event = content(row)
        assert head == {"File": row.file_name, "Format": 1, "Previous": before.sha256}
        assert row.count == 1
        assert event["Message"] in {"two", "three"}
        assert event["RelatedDocumentIds"] == ["Projects-7"]
    assert check_archive(clock=clock).is_intact


def test_the_hour_after_midnight_is_waited_for(clock: SettableClock) -> None:
    happen(clock, "late")
    clock.now = datetime(2031, 5, 11, 0, 10, tzinfo=UTC)
    assert archive_days(clock=clock) == 0
    clock.now = datetime(2031, 5, 11, 0, 20, tzinfo=UTC)
    assert archive_days(clock=clock) == 1


def test_what_was_committed_late_is_in_the_next_file(clock: SettableClock) -> None:
    happen(clock, "in time")
    clock.now += timedelta(days=1)
    archive_days(clock=clock)
    late = happen(at(NOW), "committed late")
    clock.now += timedelta(days=1)
    assert archive_days(clock=clock) == 1
    newest = EventArchive.objects.first()
    assert newest is not None
    assert [each.get("AutoId") for each in content(newest)[1:]] == late


def test_events_leave_the_database_when_their_time_is_over(clock: SettableClock) -> None:
    three_days(clock)
    set_retention_days(actor=SYSTEM, days=2, clock=clock)
    empty_archived(clock=clock)
    kept = set(Event.objects.filter(subject_id="Projects-7").values_list("message", flat=True))
    assert kept == {"two", "three"}
    assert check_archive(clock=clock).is_intact
    assert empty_archived(clock=clock) == 0


def altered_file(rows: list[EventArchive]) -> None:
    path = file_of(rows[1])
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"two", b"2nd"))


def missing_file(rows: list[EventArchive]) -> None:
    file_of(rows[1]).unlink()


def altered_row(rows: list[EventArchive]) -> None:
    """A file was made anew, and its row with it."""
    row = rows[1]
    body = line({"File": row.file_name, "Previous": row.previous, "Format": 1})
    path = archive_store().folder() / "forged"
    path.write_bytes(body)
    kept = archive_store().keep(path)
    EventArchive.objects.filter(pk=row.pk).update(sha256=kept.sha256, count=0)


def removed_row(rows: list[EventArchive]) -> None:
    EventArchive.objects.filter(pk=rows[1].pk).delete()


def row_called_deleted(rows: list[EventArchive]) -> None:
    file_of(rows[1]).unlink()
    EventArchive.objects.filter(pk=rows[1].pk).update(deleted=NOW, deleted_by="ana")


def row_called_emptied(rows: list[EventArchive]) -> None:
    remove_events([number_in(rows[1])], reason="nobody's")
    EventArchive.objects.filter(pk=rows[1].pk).update(emptied=NOW)


def returned_event(rows: list[EventArchive]) -> None:
    """Retention has removed it, and somebody wrote another one in its place."""
    event = Event.objects.get(pk=number_in(rows[0]))
    set_retention_days(actor=SYSTEM, days=2, clock=at(NOW + timedelta(days=3)))
    empty_archived(clock=at(NOW + timedelta(days=3)))
    event.message = "what never happened"
    Event.objects.bulk_create([event])


def altered_event(rows: list[EventArchive]) -> None:
    """Whoever owns the database can take its triggers away."""
    trigger, is_postgres = "base_event_kept_update", connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if is_postgres:
            cursor.execute(f"ALTER TABLE base_event DISABLE TRIGGER {trigger}")
        else:  # undone with the test's transaction
            cursor.execute(f"DROP TRIGGER {trigger}")
        cursor.execute("UPDATE base_event SET actor_name = 'nobody' WHERE message = 'two'")
        if is_postgres:
            cursor.execute(f"ALTER TABLE base_event ENABLE TRIGGER {trigger}")


@pytest.mark.parametrize(
    ("tamper", "broken", "reason"),
    [
        (altered_file, "events-2031-05-11.jsonl", "its bytes were altered"),
        (missing_file, "events-2031-05-11.jsonl", "the file is missing"),
        (altered_row, "events-2031-05-11.jsonl", "what the database says of it was altered"),
        (removed_row, "events-2031-05-12.jsonl", "one in between is gone"),
        (row_called_deleted, "events-2031-05-11.jsonl", "says of it was altered"),
        (row_called_emptied, "events-2031-05-11.jsonl", "says of it was altered"),
        (returned_event, "events-2031-05-10.jsonl", "is in the database again"),
        (altered_event, "events-2031-05-11.jsonl", "was altered in the database"),
    ],
)
def test_tampering_shows(
    clock: SettableClock,
    tamper: Callable[[list[EventArchive]], None],
    broken: str,
    reason: str,
) -> None:
    tamper(three_days(clock))
    verdict = check_archive(clock=clock)
    assert (verdict.is_intact, verdict.broken) == (False, broken)
    assert reason in verdict.reason
    found = last_check()
    assert found is not None
    assert f"Broken at {broken}" in found.text


def test_an_altered_file_keeps_its_events_in_the_database(clock: SettableClock) -> None:
    rows = three_days(clock)
    altered_file(rows)
    set_retention_days(actor=SYSTEM, days=1, clock=clock)
    empty_archived(clock=clock)
    assert Event.objects.filter(message="two").exists()


def test_an_altered_row_is_not_sealed_again(clock: SettableClock) -> None:
    """Neither retention nor a deletion makes good what somebody has written there."""
    row = three_days(clock)[0]
    EventArchive.objects.filter(pk=row.pk).update(deleted_by="ana")
    set_retention_days(actor=SYSTEM, days=1, clock=clock)
    empty_archived(clock=clock)
    assert Event.objects.filter(pk=number_in(row)).exists()
    EventArchive.objects.filter(pk=row.pk).update(emptied=NOW)
    row.refresh_from_db()
    clock.now += timedelta(days=40)
    with pytest.raises(Invalid, match="was altered"):
        delete_archive(actor=make_ana().actor, archive=row, clock=clock)
    assert not check_archive(clock=clock).is_intact


def test_what_was_sealed_before_is_sealed_with_its_fate(clock: SettableClock) -> None:
    rows = three_days(clock)
    for row in rows:
        link = f"{row.day:%Y-%m-%d} {row.sha256} {row.previous} {row.count}"
        row.sealed_link = secret_box().seal(link, place=row.secret_place)
        row.save()
    EventArchive.objects.filter(pk=rows[2].pk).update(count=2)
    step = import_module("deployments.audit.migrations.0003_seal_what_became_of_archives")
    step.seal_anew(apps, None)
    assert [EventArchive.objects.get(pk=row.pk).is_sealed for row in rows] == [True, True, False]


def test_events_that_are_leaving_are_not_missed(clock: SettableClock) -> None:
    row = three_days(clock)[0]
    set_retention_days(actor=SYSTEM, days=2, clock=clock)
    remove_events([number_in(row)], reason=row.file_name)  # as before the row tells of it
    assert check_archive(clock=clock).is_intact


def test_an_event_of_a_wrong_clock_does_not_stop_the_archive(clock: SettableClock) -> None:
    far = happen(at(NOW + timedelta(days=400)), "in a year")
    assert archive_days(clock=clock) == 0
    near = happen(clock, "today")
    clock.now += timedelta(days=1)
    assert archive_days(clock=clock) == 1
    newest = EventArchive.objects.first()
    assert newest is not None
    assert newest.file_name == "events-2031-05-10.jsonl"
    assert [each.get("AutoId") for each in content(newest)[1:]] == [*far, *near]


def test_a_storage_that_is_away_is_told(clock: SettableClock) -> None:
    class Away:
        def open(self, sha256: str) -> Iterator[bytes]:
            raise ArchiveUnavailable("The storage does not answer.")

    three_days(clock)
    ask_for_check()
    real = archive_store()
    register_archive_store(cast(ArchiveStore, Away()))
    try:
        with pytest.raises(ArchiveUnavailable):
            check_archive(clock=clock)
    finally:
        register_archive_store(real)
    found = last_check()
    assert found is not None
    assert found.at is not None
    assert (found.is_intact, found.text) == (False, "Not checked: The storage does not answer.")


def test_packages_do_not_take_the_bytes_of_an_archive_along(clock: SettableClock) -> None:
    row = three_days(clock)[0]
    StoredBlob.objects.update(stored=NOW - timedelta(days=9999))
    assert not drop_if_unused(row.sha256)
    sweep_unused_blobs()
    assert content(row)


def test_old_files_are_deleted_by_who_may_and_leave_their_link(
    clock: SettableClock, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    row = three_days(clock)[0]
    set_retention_days(actor=SYSTEM, days=1, clock=clock)
    with pytest.raises(NotPermitted):
        delete_archive(actor=make_cleo(default_space()).actor, archive=row, clock=clock)
    ana = make_ana().actor
    with pytest.raises(Invalid, match="30 days old"):
        delete_archive(actor=ana, archive=row, clock=clock)
    clock.now += timedelta(days=40)
    with pytest.raises(Invalid, match="still in the database"):
        delete_archive(actor=ana, archive=row, clock=clock)
    archive_days(clock=clock)
    empty_archived(clock=clock)
    row.refresh_from_db()
    path = file_of(row)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]  # set by the fixture
        delete_archive(actor=ana, archive=row, clock=clock)
    assert not path.exists()
    verdict = check_archive(clock=clock)
    assert (verdict.is_intact, verdict.deleted) == (True, 1)
    event = Event.objects.first()
    assert event is not None
    assert event.message == "The archive events-2031-05-10.jsonl was deleted"


@pytest.mark.parametrize("days", [None, 0, 3651])
def test_the_retention_is_a_number_of_days(days: int | None) -> None:
    with pytest.raises(Invalid):
        set_retention_days(actor=SYSTEM, days=days)
