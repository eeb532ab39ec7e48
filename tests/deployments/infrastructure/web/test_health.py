"""Checking health from the pages of targets, environments, workers and pools."""

import pytest

from deployments.infrastructure.models import WorkerPool
from deployments.infrastructure.services.workers import WorkerInput, create_worker
from deployments.server_tasks.models import ServerTask
from tests.factories import default_space, make_ana, make_cleo
from tests.factories.domain import make_environment, make_machine
from tests.factories.execution import make_agent
from tests.factories.health import make_check
from tests.factories.people import SYSTEM
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def test_each_page_asks_for_its_own() -> None:
    place = make_environment("Staging")
    target = make_machine(place, name="web-01")
    make_agent(target)
    pool = WorkerPool.objects.in_space(default_space()).get(is_default=True)
    worker = create_worker(
        actor=SYSTEM, space=default_space(), worker=WorkerInput("helper", [pool])
    )
    make_agent(worker)
    ana = Visitor(make_ana())
    pages = {
        f"infrastructure/targets/{target.public_id}": target.public_id,
        f"infrastructure/environments/{place.public_id}": target.public_id,
        f"infrastructure/workers/{worker.public_id}": worker.public_id,
        f"infrastructure/pools/{pool.public_id}": worker.public_id,
    }
    for page, expected in pages.items():
        answer = ana.post(f"{page}/check")
        assert answer.status_code == 302
        task = ServerTask.objects.in_space(default_space()).order_by("-pk")[0]
        assert answer["Location"].endswith(f"tasks/{task.public_id}")
        assert task.arguments["MachineIds"] == [expected]
    for page in (*list(pages)[:2], "infrastructure/workers"):
        assert "Check health" in text_of(ana.get(page))


def test_the_last_check_is_shown_with_its_task() -> None:
    target = make_machine(make_environment(), name="web-01")
    make_agent(target)
    check = make_check(target)
    check.nobody_answers()
    make_check(target, clock=check.clock).nobody_answers()
    ana = Visitor(make_ana())
    page = ana.get(f"infrastructure/targets/{target.public_id}")
    assert "2 checks in a row did not reach it" in text_of(page)
    target.refresh_from_db()
    assert f'/tasks/{target.last_check_task}"' in page.content.decode()
    task_page = text_of(ana.get(f"tasks/{target.last_check_task}"))
    assert "web-01: Unavailable" in task_page
    assert "Check health of web-01" in task_page
    assert "Check health of web-01" in text_of(ana.get("tasks"))


def test_one_without_an_agent_says_so_and_cleo_may_not() -> None:
    target = make_machine(make_environment(), name="web-01")
    page = f"infrastructure/targets/{target.public_id}"
    ana, cleo = Visitor(make_ana()), Visitor(make_cleo(default_space()))
    ana.post(f"{page}/check")
    assert "There is nothing to check: web-01 has no agent yet." in text_of(ana.get(page))
    assert cleo.post(f"{page}/check").status_code == 403
    assert "Check health" not in text_of(cleo.get(page))
    assert not ServerTask.objects.in_space(default_space()).exists()
