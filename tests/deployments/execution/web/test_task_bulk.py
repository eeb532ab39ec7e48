"""Canceling the tasks of a filtered list."""

import pytest

from deployments.server_tasks.models import ServerTask
from tests.factories import default_space, make_ana, make_ben, make_cleo
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


class Queue:
    """Two tasks that wait and one that has ended in Test, and one that waits in Live."""

    def __init__(self) -> None:
        self.test, self.live = make_environment("Test"), make_environment("Live")
        self.project = make_project(
            "Web", lifecycle=make_lifecycle(self.test, self.live), steps=[script_step()]
        )
        release = make_release(self.project)
        make_deployment(release, self.test, state="Success")
        tasks = [make_deployment(release, place).task for place in (self.test, self.live)]
        self.waits, self.elsewhere = tasks
        other = make_project("Api", lifecycle=self.project.lifecycle, steps=[script_step()])
        self.second = make_deployment(make_release(other), self.test).task

    def path(self) -> str:
        return f"tasks/cancel?environment={self.test.public_id}&page=1"

    def canceled(self) -> set[int]:
        rows = ServerTask.objects.in_space(default_space()).filter(state="Canceled")
        return set(rows.values_list("pk", flat=True))


def test_those_of_the_filtered_list_that_have_not_ended_are_canceled() -> None:
    queue, ana = Queue(), Visitor(make_ana())
    page = ana.get("tasks", {"environment": queue.test.public_id})
    assert "Cancel these 2" in text_of(page)
    assert f'name="newest" value="{queue.second.pk}"' in page.content.decode()
    answer = ana.post(queue.path(), {"newest": str(queue.second.pk)})
    assert answer["Location"].endswith(f"/tasks?environment={queue.test.public_id}&page=1")
    assert queue.canceled() == {queue.waits.pk, queue.second.pk}
    page = ana.get("tasks", {"environment": queue.test.public_id})
    assert "2 tasks were canceled." in text_of(page)
    assert "Cancel these" not in text_of(page)
    ana.post(queue.path(), {"newest": str(queue.second.pk)})
    assert "None of them can be canceled any more" in text_of(ana.get("tasks"))


def test_what_came_after_the_list_was_opened_goes_on() -> None:
    queue, ana = Queue(), Visitor(make_ana())
    ana.post(queue.path(), {"newest": str(queue.waits.pk)})
    assert queue.canceled() == {queue.waits.pk}
    for wrong in ("", "x", "-1", "9" * 30):
        ana.post(queue.path(), {"newest": wrong})
    assert queue.canceled() == {queue.waits.pk}


def test_never_all_tasks_at_once() -> None:
    queue, ana = Queue(), Visitor(make_ana())
    assert "Cancel these" not in text_of(ana.get("tasks"))
    ana.post("tasks/cancel", {"newest": str(queue.second.pk)})
    assert queue.canceled() == set()
    assert "Filter the list first" in text_of(ana.get("tasks"))


def test_only_those_that_one_may_cancel() -> None:
    queue = Queue()
    ben = Visitor(make_ben(default_space(), queue.live.public_id))
    by_project = {"project": queue.project.public_id}
    assert "Cancel it" in text_of(ben.get("tasks", by_project))
    path = f"tasks/cancel?project={queue.project.public_id}"
    ben.post(path, {"newest": str(queue.second.pk)})
    assert queue.canceled() == {queue.elsewhere.pk}
    cleo = Visitor(make_cleo(default_space()))
    assert "Cancel it" not in text_of(cleo.get("tasks", by_project))
    assert cleo.post(path, {"newest": str(queue.second.pk)}).status_code == 403
