"""Following the stream of events: nothing missed, nothing twice, one worker at a time."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from deployments.base import events
from deployments.base.following import consumers
from deployments.base.following.consumers import register_consumer
from deployments.base.following.consuming import ATTEMPTS, CLAIM, GIVEN_UP, consume, ensure_cursors
from deployments.base.models import Event, EventCursor, ServerSetting
from deployments.base.settings_rows import get_setting, set_setting
from tests.factories import SYSTEM, default_space
from tests.factories.execution import SettableClock

NAME = "test"
CATEGORY = "Tested"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


class Follower:
    """A consumer that keeps what it was given in a row, in the same transaction."""

    def __init__(self) -> None:
        self.fails_at = ""
        self.seen: list[str] = []

    def handle(self, event: Event) -> None:
        kept = get_setting("kept", [])
        set_setting("kept", [*kept, event.message])
        self.seen.append(event.message)
        if event.message == self.fails_at:
            raise ZeroDivisionError

    @property
    def kept(self) -> list[str]:
        return list(get_setting("kept", []))


@pytest.fixture
def follower(monkeypatch: pytest.MonkeyPatch) -> Iterator[Follower]:
    monkeypatch.setattr(consumers, "_consumers", {})
    one = Follower()
    register_consumer(NAME, label="The test", categories=[CATEGORY], handle=one.handle)
    ensure_cursors()
    yield one
    ServerSetting.objects.filter(pk="kept").delete()


def record(message: str, category: str = CATEGORY) -> Event:
    return events.record(actor=SYSTEM, space=None, category=category, message=message)


def test_each_event_of_its_kind_is_given_once_and_in_order(follower: Follower) -> None:
    for message in ("one", "two", "three"):
        record(message)
        record("of another kind", "Other")
    assert consume(NAME) == 3
    assert consume(NAME) == 0
    assert follower.kept == ["one", "two", "three"]
    assert follower.seen == ["one", "two", "three"]


def test_what_nothing_in_the_space_waits_for_is_passed_over_and_wakes_nobody(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    waiting: list[int] = []

    def is_awaited(space: int) -> bool:
        asked.append(space)
        return space in waiting

    woken: list[str] = []
    monkeypatch.setattr(events, "wake_often", lambda _, name: woken.append(name))
    monkeypatch.setattr(consumers, "_idle", {})
    register_consumer(
        NAME, label="The test", categories=[CATEGORY], handle=follower.handle, is_awaited=is_awaited
    )
    space = default_space()
    for message in ("one", "two"):
        events.record(actor=SYSTEM, space=space, category=CATEGORY, message=message)
    assert (woken, len(asked)) == ([], 1)
    assert consume(NAME) == 0
    assert len(asked) == 2, "once by who records, and once for all that are read together"
    waiting.append(space.pk)
    monkeypatch.setattr(consumers, "_idle", {})
    events.record(actor=SYSTEM, space=space, category=CATEGORY, message="three")
    record("of the server")
    assert woken == [NAME, NAME]
    assert consume(NAME) == 2
    assert follower.seen == ["three", "of the server"]


def test_a_new_consumer_begins_with_what_comes_next(follower: Follower) -> None:
    EventCursor.objects.all().delete()
    record("before")
    assert consume(NAME) == 0
    record("after")
    consume(NAME)
    assert follower.kept == ["after"]


def test_what_failed_leaves_nothing_and_comes_again(follower: Follower) -> None:
    record("good")
    record("bad")
    record("later")
    follower.fails_at = "bad"
    consume(NAME, clock=lambda: NOW)
    assert follower.kept == ["good"]
    # It waits a little, for the cause may be passing.
    assert consume(NAME, clock=lambda: NOW + timedelta(seconds=1)) == 0
    follower.fails_at = ""
    assert consume(NAME, clock=lambda: NOW + timedelta(seconds=3)) == 2
    assert follower.kept == ["good", "bad", "later"]


def test_an_event_that_always_fails_is_passed_over_for_all_to_see(follower: Follower) -> None:
    bad = record("bad")
    record("later")
    follower.fails_at = "bad"
    clock = SettableClock()
    for _ in range(ATTEMPTS):
        consume(NAME, clock=clock)
        clock.forward(120)
    assert follower.kept == ["later"]
    told = Event.objects.get(category=GIVEN_UP)
    assert told.subject_id == bad.public_id
    assert "ZeroDivisionError" in told.message


def test_looking_when_there_is_nothing_new_writes_nothing(follower: Follower) -> None:
    record("one")
    consume(NAME)
    with CaptureQueriesContext(connection) as captured:
        assert consume(NAME) == 0
    assert captured.captured_queries
    assert all(query["sql"].startswith("SELECT") for query in captured.captured_queries)


def test_two_workers_never_consume_at_once(follower: Follower) -> None:
    record("one")
    inside: list[int] = []
    follower_handle = follower.handle

    def handle(event: Event) -> None:
        inside.append(consume(NAME, clock=lambda: NOW + CLAIM / 2))
        follower_handle(event)

    register_consumer(NAME, label="The test", categories=[CATEGORY], handle=handle)
    assert consume(NAME, clock=lambda: NOW) == 1
    assert inside == [0]


def test_a_claim_that_ran_out_counts_no_more(follower: Follower) -> None:
    """The slow worker's writes are undone, and the event is handled by who took over."""
    record("one")
    stolen: list[int] = []

    def steal(event: Event) -> None:
        # As if another worker had claimed the cursor: only the row itself says so.
        EventCursor.objects.filter(pk=NAME).update(claimed_by="another")
        stolen.append(event.pk)

    register_consumer(NAME, label="The test", categories=[CATEGORY], handle=steal)
    record("two")
    consume(NAME, clock=lambda: NOW)
    assert len(stolen) == 1
    register_consumer(NAME, label="The test", categories=[CATEGORY], handle=follower.handle)
    assert consume(NAME, clock=lambda: NOW + CLAIM / 2) == 0
    assert consume(NAME, clock=lambda: NOW + CLAIM * 2) == 1
    assert follower.kept == ["two"]


def test_the_place_of_a_backup_from_another_database_is_understood(follower: Follower) -> None:
    old = record("old")
    consume(NAME)
    # The other server had come further with its transactions than this one.
    far = 2**40
    Event.objects.filter(pk=old.pk).update(transaction_id=far)
    EventCursor.objects.filter(pk=NAME).update(transaction_id=far, event_id=old.pk)
    record("new")
    consume(NAME)
    record("newer")
    consume(NAME)
    assert follower.kept == ["old", "new", "newer"]


class Writer(threading.Thread):
    """A transaction in another connection that is held open."""

    def __init__(self, *messages: str) -> None:
        super().__init__()
        self.messages = messages
        self.begun, self.go, self.recorded, self.end = (threading.Event() for _ in range(4))
        self.start()
        assert self.begun.wait(60)

    def run(self) -> None:
        try:
            with transaction.atomic():
                with connection.cursor() as sql:
                    sql.execute("SELECT pg_current_xact_id()")
                self.begun.set()
                self.go.wait(60)
                for message in self.messages:
                    record(message)
                self.recorded.set()
                self.end.wait(60)
        finally:
            connections.close_all()

    def write(self) -> None:
        self.go.set()
        assert self.recorded.wait(60)

    def commit(self) -> None:
        self.end.set()
        self.join(60)


@pytest.mark.postgres
class TestEventsThatBecomeVisibleOutOfOrder:
    def test_an_older_transaction_is_waited_for(self, follower: Follower) -> None:
        slow = Writer("slow")
        slow.write()
        record("quick")
        assert consume(NAME) == 0
        slow.commit()
        consume(NAME)
        assert follower.kept == ["slow", "quick"]

    def test_a_lower_id_of_a_younger_transaction_is_not_missed(self, follower: Follower) -> None:
        """The older transaction takes the higher id and commits first."""
        older, younger = Writer("older"), Writer("younger")
        younger.write()
        older.write()
        older.commit()
        consume(NAME)
        assert follower.kept == ["older"]
        younger.commit()
        consume(NAME)
        assert follower.kept == ["older", "younger"]

    def test_many_writers_and_readers_at_once(self, follower: Follower) -> None:
        texts = [[f"{writer}-{number}" for number in range(25)] for writer in range(4)]
        done = threading.Event()

        def write(messages: list[str]) -> None:
            for message in messages:
                record(message)
            connections.close_all()

        def read() -> None:
            while not done.is_set():
                consume(NAME)
            connections.close_all()

        readers = [threading.Thread(target=read) for _ in range(2)]
        writers = [threading.Thread(target=write, args=(each,)) for each in texts]
        for thread in (*readers, *writers):
            thread.start()
        for thread in writers:
            thread.join(30)
        done.set()
        for thread in readers:
            thread.join(30)
        consume(NAME)
        assert sorted(follower.kept) == sorted(text for each in texts for text in each)
