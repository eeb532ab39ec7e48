"""The server's clock jumps by a day while a deployment runs."""

import pytest

from deployments.base.templatetags.portal import span
from deployments.execution.services import sweep as sweeping
from deployments.execution.services.advance import advance
from deployments.execution.services.lease import claim, settle
from deployments.server_tasks.api.serializers import in_words
from deployments.server_tasks.states import TaskState
from tests.factories.domain import script_step
from tests.factories.execution import make_scene

pytestmark = pytest.mark.django_db

DAY = 24 * 3600.0


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Collect the wake-ups that the sweep sends to the queue of Celery."""
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(sweeping, "wake_now", lambda *message: sent.append(message))
    return sent


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_what_runs_ends_truly(woken: list[tuple[object, ...]], jump: float) -> None:
    scene = make_scene(script_step("One", roles="web"), script_step("Two", roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    scene.start(run)
    scene.clock.forward(jump)
    sweeping.sweep(clock=scene.clock)
    assert woken == [("execution.advance", scene.task.pk)]
    assert [row.state for row in scene.rows()] == ["Running"]
    scene.finish(run, exit_code=0)
    scene.advance()
    scene.run_to_end()
    task = scene.task
    assert task.state == TaskState.SUCCESS
    assert [row.state for row in scene.rows()] == ["Succeeded", "Succeeded"]
    times = [(task.started, task.completed), *((r.started, r.finished) for r in scene.rows())]
    for start, end in times:
        assert start is not None
        assert end is not None
        told = (in_words(end - start), span(start, end))
        assert "-" not in "".join(told)
        if end < start:
            assert told == ("less than a second", "under 1 s")
    assert any(end < start for start, end in times if start and end) == (jump < 0)


def test_a_command_that_waits_is_not_given_up_by_a_clock_that_goes_back() -> None:
    scene = make_scene(script_step(roles="web"), connected=False)
    scene.clock.forward(-DAY)
    assert sweeping.expire_commands(now=scene.clock()) == 0
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS


def test_the_claim_of_a_dead_worker_does_not_last_until_the_clock_is_there_again(
    woken: list[tuple[object, ...]],
) -> None:
    scene = make_scene(script_step(roles="web"))
    dead = claim(scene.task.pk, now=scene.clock())
    assert dead is not None
    (run,) = scene.runs()
    scene.finish(run)
    scene.clock.forward(-DAY)
    sweeping.sweep(clock=scene.clock)
    assert woken == [("execution.advance", scene.task.pk)]
    advance(scene.task.pk, clock=scene.clock)
    assert scene.state() == TaskState.SUCCESS
    # Not dead, only slow: it has nothing to say any more.
    assert settle(dead, now=scene.clock()) is None


def test_clocks_of_two_nodes_may_differ_a_little() -> None:
    scene = make_scene(script_step(roles="web"))
    assert claim(scene.task.pk, now=scene.clock()) is not None
    scene.clock.forward(-5)
    assert claim(scene.task.pk, now=scene.clock()) is None
