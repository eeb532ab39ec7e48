"""Owned rows cannot be read before somebody named the space."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework import serializers

from deployments.base.clock import utc_now
from deployments.base.models import Space
from deployments.base.querysets import UnscopedQuery
from deployments.projects.models import Project, ProjectGroup
from deployments.server_tasks.models import ServerTask
from tests.factories import default_space, make_space

pytestmark = pytest.mark.django_db

OPEN_WAYS: dict[str, Callable[[], Any]] = {
    "list": lambda: list(ServerTask.objects.all()),
    "get": lambda: ServerTask.objects.get(pk=1),
    "first": ServerTask.objects.first,
    "values_list": lambda: list(ServerTask.objects.values_list("pk")),
    "exists": ServerTask.objects.exists,
    "count": lambda: ServerTask.objects.filter(kind="Deploy").count(),
    "update": lambda: ServerTask.objects.filter(pk=1).update(kind="x"),
    "delete": lambda: ServerTask.objects.filter(pk=1).delete(),
    "in_bulk": lambda: ServerTask.objects.in_bulk([1]),
    "iterator": lambda: list(ServerTask.objects.all().iterator()),
    "aggregate": ServerTask.objects.aggregate,
    "get_or_create": lambda: ServerTask.objects.get_or_create(kind="x"),
    "raw": lambda: list(ServerTask.objects.raw("SELECT * FROM server_tasks_servertask")),
    "exclude": lambda: ServerTask.objects.exclude(kind="Deploy").exists(),
    "union": lambda: ServerTask.objects.in_space(default_space()).union(ServerTask.objects.all()),
    "default manager": lambda: list(ServerTask._default_manager.all()),
    "related field": lambda: serializers.PrimaryKeyRelatedField(
        queryset=ServerTask.objects.all()
    ).run_validation(1),
}


def make_task(space: Space) -> ServerTask:
    return ServerTask.objects.create(
        space=space, kind="Deploy", description="x", queued=utc_now(), last_updated=utc_now()
    )


@pytest.mark.parametrize("way", OPEN_WAYS.values(), ids=OPEN_WAYS.keys())
def test_a_way_to_rows_without_a_space_is_closed(way: Callable[[], Any]) -> None:
    with pytest.raises(UnscopedQuery):
        way()


@pytest.mark.asyncio
async def test_reading_in_an_event_loop_is_closed_too() -> None:
    with pytest.raises(UnscopedQuery):
        async for _ in ServerTask.objects.all():
            pass


def test_named_spaces_work_and_keep_to_themselves() -> None:
    here, there = default_space(), make_space()
    mine, other = make_task(here), make_task(there)
    rows = ServerTask.objects.in_space(here)
    assert list(rows.select_related("space")) == [mine]
    assert rows.filter(pk=other.pk).first() is None
    assert rows.filter(pk=other.pk).update(kind="x") == 0
    assert ServerTask.objects.unscoped(reason="test").count() == 2


def test_relations_and_instances_work() -> None:
    space = default_space()
    group = ProjectGroup.objects.in_space(space).get()
    assert list(group.projects.all()) == []
    assert group.projects.count() == 0
    task = make_task(space)
    task.refresh_from_db()
    task.save()
    task.full_clean(exclude=["arguments"])
    task.delete()
    assert list(Project.objects.in_space(space).select_related("group")) == []
