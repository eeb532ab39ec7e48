"""Open lists of tasks are told of what happens to a task of their space, and of nothing else."""

import asyncio

import pytest

from deployments.base.clock import utc_now
from deployments.base.models import Space
from deployments.base.threads import in_thread
from deployments.execution.web.task_live import lists, look_at_tasks
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import move
from deployments.server_tasks.states import TaskState
from tests.factories import default_space, make_ana, make_dan, make_space
from tests.support.portal import Visitor


def queue(space: Space) -> ServerTask:
    now = utc_now()
    return ServerTask.objects.create(
        space=space, kind="Health", description="Check", queued=now, last_updated=now
    )


@pytest.mark.django_db
def test_queueing_starting_waiting_and_ending_are_changes() -> None:
    space, other = default_space(), make_space("Other")
    both = {space.pk, other.pk}
    seen, changed = look_at_tasks(None, both)
    assert not changed
    task = queue(space)
    rows = ServerTask.objects.in_space(space).filter(pk=task.pk)
    for act in (
        lambda: None,
        lambda: move(task.pk, TaskState.EXECUTING, now=utc_now()),
        lambda: rows.update(waiting_reason="Waits for a target"),
        lambda: move(task.pk, TaskState.SUCCESS, now=utc_now()),
    ):
        act()
        seen, changed = look_at_tasks(seen, both)
        assert changed == {space.pk}
    assert look_at_tasks(seen, both) == (seen, set())


@pytest.mark.django_db(transaction=True)
def test_an_open_list_is_told() -> None:
    space = default_space()

    async def watch() -> bytes:
        parts = lists.stream(space.pk)
        assert await anext(parts) == b"retry: 2000\n\n"
        await in_thread(lambda: queue(space))
        async with asyncio.timeout(20):
            told = await anext(parts)
        await parts.aclose()
        return told

    assert asyncio.run(watch()).startswith(b"event: changed\n")
    assert not lists.readers


@pytest.mark.django_db
def test_a_list_says_where_it_listens_and_who_does_not_see_the_space_gets_nothing() -> None:
    assert (
        'data-live="/app/Spaces-1/tasks/live"' in Visitor(make_ana()).get("tasks").content.decode()
    )
    assert Visitor(make_dan(make_space())).get("tasks/live").status_code == 404
