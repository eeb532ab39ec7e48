"""Which program acted: told by one rule, for one event and for the database."""

import pytest

from deployments.audit.clients import acted_through, client_of
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.models import Event
from tests.support.cases import cases

CASES = cases("audit", "clients")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["user_agent"] or "none")
def test_the_program_of_an_event(case: dict[str, str]) -> None:
    assert client_of(case["authentication"], case["user_agent"]) == case["client"]


@pytest.mark.django_db
def test_the_database_says_the_same() -> None:
    for case in CASES:
        actor = Actor(1, "x", "x", case["authentication"], user_agent=case["user_agent"])
        events.record(actor=actor, space=None, category="Tested", message=case["user_agent"])
    rows = Event.objects.filter(category="Tested")
    for client in {case["client"] for case in CASES}:
        expected = sum(case["client"] == client for case in CASES)
        assert rows.filter(acted_through([client.lower()])).count() == expected, client
    assert not rows.filter(acted_through(["nobody's"])).exists()
