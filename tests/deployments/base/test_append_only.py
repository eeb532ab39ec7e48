"""Events are kept as they are: by the model, and by the database against everything else."""

import pytest
from django.db import DatabaseError, connection, transaction

from deployments.access.services import delete_space
from deployments.base import events
from deployments.base.models import AppendOnly, Event, EventRelated, EventRemoval, Space
from deployments.base.services.removal import remove_events
from tests.factories import SYSTEM, make_space

pytestmark = pytest.mark.django_db


def recorded() -> Event:
    return events.record(
        actor=SYSTEM, space=None, category="Created", message="kept", subject="Projects-1"
    )


def test_the_model_refuses_to_change_or_remove_events() -> None:
    event = recorded()
    event.message = "another"
    rows = Event.objects.filter(pk=event.pk)
    for act in (event.save, event.delete, rows.delete, lambda: rows.update(message="x")):
        with pytest.raises(AppendOnly):
            act()
    assert Event.objects.get(pk=event.pk).message == "kept"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE base_event SET message = 'x' WHERE id = %s",
        "UPDATE base_event SET occurred = '2020-01-01', actor_name = 'x' WHERE id = %s",
        "DELETE FROM base_event WHERE id = %s",
        "UPDATE base_eventrelated SET document_id = 'x' WHERE event_id = %s",
        "DELETE FROM base_eventrelated WHERE event_id = %s",
    ],
)
def test_the_database_refuses_it_too(sql: str) -> None:
    event = recorded()
    refused = pytest.raises(DatabaseError, match="neither changed nor removed")
    with connection.cursor() as cursor, refused, transaction.atomic():
        cursor.execute(sql, [event.pk])
    assert Event.objects.get(pk=event.pk).related.get().document_id == "Projects-1"


def test_retention_removes_what_it_names_and_leaves_the_door_shut() -> None:
    first, second = recorded(), recorded()
    assert remove_events([first.pk], reason="retention") == 1
    assert list(Event.objects.filter(pk__in=[first.pk, second.pk])) == [second]
    assert set(EventRelated.objects.values_list("event", flat=True)) >= {second.pk}
    assert not EventRelated.objects.filter(event=first.pk).exists()
    assert not EventRemoval.objects.exists()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM base_event WHERE id = %s", [second.pk])


def test_events_outlive_their_space() -> None:
    space = make_space()
    created = Event.objects.filter(space=space).first()
    assert created is not None
    number = space.pk
    space.task_queue_stopped = True
    space.save()
    delete_space(actor=SYSTEM, space=space)
    assert not Space.objects.filter(pk=number).exists()
    assert Event.objects.get(pk=created.pk).space_id == number
