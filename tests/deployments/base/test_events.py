"""Events: what is kept of a change."""

import pytest
from django.db import transaction

from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.models import Event, EventRelated
from deployments.base.rows import Together
from tests.factories import SYSTEM, default_space

ANA = Actor(1, "ana", "Ana", "ApiKey", ip_address="192.0.2.1", user_agent="x" * 500)


@pytest.mark.django_db
def test_only_what_differs_is_kept() -> None:
    event = events.record(
        actor=ANA,
        space=default_space(),
        category="Modified",
        message="Project Web was changed",
        subject="Projects-1",
        related=["Environments-1", "Projects-1", ""],
        before={"Name": "a", "Slug": "same", "Gone": 1},
        after={"Name": "b", "Slug": "same", "New": 2},
    )
    assert event.changes == [
        {"property": "Name", "before": "a", "after": "b"},
        {"property": "Gone", "before": 1, "after": None},
        {"property": "New", "before": None, "after": 2},
    ]
    related = set(event.related.values_list("document_id", flat=True))
    assert related == {"Projects-1", "Environments-1"}
    assert (event.actor_id, event.authentication) == ("Users-1", "ApiKey")
    assert len(event.user_agent) == 300


@pytest.mark.django_db
def test_an_act_that_is_undone_leaves_no_event() -> None:
    before = Event.objects.count()

    @transaction.atomic
    def fail() -> None:
        events.record(actor=SYSTEM, space=None, category="Created", message="x")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert Event.objects.count() == before


@pytest.mark.django_db
@pytest.mark.postgres
@pytest.mark.parametrize("is_done", [True, False])
def test_an_act_that_comes_to_nothing_is_not_recorded(*, is_done: bool) -> None:
    space = default_space()
    act = Together(source="renamed")
    sql = "UPDATE base_space SET description = %s WHERE id = %s RETURNING id"
    act.add("renamed", sql, ["Ours", space.pk if is_done else 0])
    news = events.News(space, "Modified", "It was described", space.public_id, ["Projects-1"])
    with transaction.atomic():
        number = events.record_together(act, actor=SYSTEM, news=news)
    assert number == (space.pk if is_done else None)
    found = Event.objects.filter(message="It was described")
    assert found.count() == is_done
    about = EventRelated.objects.filter(event__in=found).values_list("document_id", flat=True)
    assert set(about) == ({space.public_id, "Projects-1"} if is_done else set())
