"""The sweep: what it wakes, expires and gives up."""

from datetime import timedelta

import pytest

from deployments.execution.models import ActionExecution
from deployments.execution.services import sweep as sweeping
from deployments.execution.services.mailbox import messages_for
from deployments.execution.services.server_actions import settle_abandoned
from deployments.server_tasks.states import TaskState
from tests.factories.domain import script_step
from tests.factories.execution import make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Collect the wake-ups that the sweep sends to the queue of Celery."""
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(sweeping, "wake_now", lambda *message: sent.append(message))
    return sent


def test_a_quiet_task_is_woken_and_a_busy_one_is_not(woken: list[tuple[object, ...]]) -> None:
    scene = make_scene(script_step(roles="web"))
    sweeping.sweep(clock=scene.clock)
    assert woken == []
    scene.clock.forward(2.1)
    sweeping.sweep(clock=scene.clock)
    assert woken == [("execution.advance", scene.task.pk)]


def test_queued_tasks_are_started(woken: list[tuple[object, ...]]) -> None:
    scene = make_scene(script_step(roles="web"), begin=False)
    sweeping.sweep(clock=scene.clock)
    assert scene.state() == TaskState.EXECUTING


def test_a_command_that_no_agent_takes_fails_and_is_cancelled(
    woken: list[tuple[object, ...]],
) -> None:
    scene = make_scene(script_step(roles="web"), machines=2, connected=False)
    taken, left = scene.runs()
    scene.accept(taken)
    scene.clock.forward(599)
    assert sweeping.expire_commands(now=scene.clock()) == 0
    scene.clock.forward(2)
    assert sweeping.expire_commands(now=scene.clock()) == 1
    assert sweeping.expire_commands(now=scene.clock()) == 0
    by_pk = {row.pk: row for row in scene.rows()}
    assert by_pk[taken.execution_id].state == "Pending"
    assert by_pk[left.execution_id].state == "Failed"
    assert "10 minutes" in by_pk[left.execution_id].error_message
    assert [message.kind for message in messages_for(left.agent_id)] == ["cancel"]
    scene.finish(left)
    scene.finish(taken)
    scene.advance()
    assert scene.state() == TaskState.FAILED


def test_an_abandoned_action_of_the_server_has_an_unknown_outcome() -> None:
    scene = make_scene(
        {
            "Name": "Mail",
            "Actions": [
                {
                    "Name": "Mail",
                    "ActionType": "Octopus.Email",
                    "Properties": {"Octopus.Action.Email.To": "team@example.org"},
                }
            ],
        }
    )
    rows = ActionExecution.objects.in_space(scene.deployment.space)
    rows.update(state="Running", lease_owner="dead", lease_expires=scene.clock())
    assert settle_abandoned(clock=lambda: scene.clock() - timedelta(seconds=1)) == 0
    assert settle_abandoned(clock=scene.clock) == 1
    scene.advance()
    assert scene.state() == TaskState.FAILED
    assert [row.state for row in scene.rows()] == ["Lost"]
    assert "unknown" in scene.rows()[0].error_message
