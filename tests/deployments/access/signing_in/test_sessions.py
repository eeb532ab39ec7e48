"""Sessions: where one is signed in, how long that lasts, and what ends it at once."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from deployments.access.actors import actor_of
from deployments.access.identity import credential_check
from deployments.access.models import BrowserSession, User
from deployments.access.services.invitations import invite
from deployments.access.services.sign_in_rules import SignInRules, save_sign_in_rules
from deployments.access.signing_in.devices import device_of
from deployments.access.signing_in.session_store import SessionStore
from deployments.access.web.forms import while_good
from deployments.base.models import Event
from tests.factories import Person, default_space, make_ana, make_cleo, make_user
from tests.factories.people import PASSWORD
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
COOKIE = "OctopusIdentificationToken"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECURITY = "/app/account/security"


@pytest.fixture
def cleo() -> Person:
    return make_cleo(default_space())


@pytest.mark.parametrize("case", cases("signing_in", "devices"), ids=case_name)
def test_devices(case: dict[str, str]) -> None:
    assert device_of(case["agent"]) == case["name"]


def key_of(visitor: Visitor) -> str:
    return str(visitor.client.cookies[COOKIE].value)


def is_in(visitor: Visitor) -> bool:
    return bool(visitor.get("/app/account").status_code == 200)


def test_the_database_does_not_hold_the_key_of_a_session(cleo: Person) -> None:
    visitor = Visitor(cleo)
    row = BrowserSession.objects.get()
    assert key_of(visitor) not in str(row.__dict__)
    stolen = Client()
    stolen.cookies[COOKIE] = row.pk
    assert stolen.get("/app/account").status_code == 302


def test_one_session_or_all_others_are_signed_out(cleo: Person) -> None:
    here, there, elsewhere = Visitor(cleo), Visitor(cleo), Visitor(cleo)
    shown = text_of(here.get(SECURITY))
    assert "Sessions 3" in shown
    assert shown.count("This one") == 1
    row = BrowserSession.objects.get(pk=row_of(there))
    here.post(f"/app/account/sessions/{row.pk}/end")
    assert [is_in(each) for each in (here, there, elsewhere)] == [True, False, True]
    here.post("/app/account/sessions/end-others")
    assert [is_in(each) for each in (here, there, elsewhere)] == [True, False, False]
    newest = Event.objects.filter(subject_id=cleo.user.public_id).order_by("-pk")[0]
    assert newest.message == "Sessions of cleo were ended"


def row_of(visitor: Visitor) -> str:
    store: Any = SessionStore(key_of(visitor))
    store.load()
    return str(store.row.pk)


def test_signing_in_as_somebody_else_begins_a_session_of_theirs(cleo: Person) -> None:
    ana, visitor = make_ana(), Visitor(cleo)
    before = row_of(visitor)
    visitor.post("/app/sign-in", {"username": "ana", "password": PASSWORD})
    after = BrowserSession.objects.get()
    assert (after.user, after.method) == (ana.user, "password")
    assert after.pk != before
    assert "ana" in text_of(visitor.get("/app/account"))


def test_a_session_with_a_new_key_began_when_it_began(cleo: Person) -> None:
    store: Any = SessionStore(key_of(Visitor(cleo)))
    before = BrowserSession.objects.get()
    store.cycle_key()
    after = BrowserSession.objects.get()
    assert (after.pk == before.pk, after.created) == (False, before.created)


def test_nobody_ends_the_session_of_another_here(cleo: Person) -> None:
    ana = Visitor(make_ana())
    row = row_of(ana)
    assert Visitor(cleo).post(f"/app/account/sessions/{row}/end").status_code == 404
    assert is_in(ana)


def test_the_administrator_ends_every_session_of_a_user(cleo: Person) -> None:
    first, second, ana = Visitor(cleo), Visitor(cleo), Visitor(make_ana())
    page = f"administration/users/{cleo.user.public_id}"
    assert "Sessions 2" in text_of(ana.get(page))
    ana.post(f"{page}/sessions/end")
    assert "2 sessions were ended." in text_of(ana.get(page))
    assert [is_in(first), is_in(second), is_in(ana)] == [False, False, True]


def test_a_session_ends_unused_and_ends_however_busy(cleo: Person) -> None:
    rules = SignInRules(idle_hours=2, longest_days=1)
    save_sign_in_rules(actor=make_ana().actor, rules=rules)
    with time_machine.travel(NOON, tick=False) as clock:
        idle, busy = Visitor(cleo), Visitor(cleo)
        for _ in range(23):
            clock.shift(timedelta(hours=1))
            assert is_in(busy)
        assert not is_in(idle)
        clock.shift(timedelta(hours=1))
        assert not is_in(busy)


def test_being_seen_is_written_once_a_minute(cleo: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        visitor = Visitor(cleo)
        clock.shift(timedelta(seconds=59))
        is_in(visitor)
        assert BrowserSession.objects.get().last_seen == NOON
        clock.shift(timedelta(seconds=1))
        is_in(visitor)
        assert BrowserSession.objects.get().last_seen == NOON + timedelta(minutes=1)


def test_deactivation_ends_sessions_keys_and_streams(cleo: Person) -> None:
    visitor = Visitor(cleo)
    by_session = RequestFactory().get("/")
    by_session.session = SessionStore(key_of(visitor))
    by_key = RequestFactory().get("/", headers={"X-Octopus-ApiKey": cleo.api_key})
    checks = [credential_check(by_session), credential_check(by_key)]
    assert [ask() for ask in checks] == [True, True]
    ana = Visitor(make_ana())
    fields = {"username": "cleo", "display_name": "Cleo", "email": ""}
    ana.post(f"administration/users/{cleo.user.public_id}", fields)
    assert [ask() for ask in checks] == [False, False]
    assert not is_in(visitor)
    assert not BrowserSession.objects.filter(user=cleo.user).exists()
    assert cleo.api.get("/api/users/me").status_code == 401


def test_a_stream_notices_that_its_session_ended_unused(cleo: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        request = RequestFactory().get("/")
        request.session = SessionStore(key_of(Visitor(cleo)))
        is_good = credential_check(request)
        assert is_good()
        clock.shift(timedelta(days=2))
        assert not is_good()


def test_a_stream_ends_when_its_credential_does() -> None:
    answers, closed = [True, False], []

    async def parts() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x"
        finally:
            closed.append(True)

    async def ask() -> bool:
        return answers.pop(0)

    async def read() -> list[bytes]:
        return [part async for part in while_good(parts(), ask, every=0.0)]

    assert asyncio.run(read()) == [b"x"]
    assert closed == [True]


def test_more_rows_take_no_more_queries(cleo: Person) -> None:
    ana, own = Visitor(make_ana()), Visitor(cleo)
    pages = ((own, SECURITY), (ana, "administration/users"), (ana, "administration/invitations"))

    def counts() -> list[int]:
        found = []
        for visitor, path in pages:
            with CaptureQueriesContext(connection) as queries:
                assert visitor.get(path).status_code == 200
            found.append(len(queries))
        return found

    inviter = actor_of(User.objects.get(username="ana"), "Session")
    invite(actor=inviter)
    before = counts()
    for _ in range(4):
        Visitor(cleo)
        make_user()
        invite(actor=inviter)
    assert counts() == before
