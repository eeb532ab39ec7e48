"""A task that cannot be advanced ends clearly instead of being tried for ever."""

import pytest
from django.db import OperationalError

from deployments.execution.models import ExecutionPlan
from deployments.execution.services import advance as advancing
from deployments.execution.services.mailbox import messages_for
from deployments.server_tasks.services import cancel_task
from deployments.server_tasks.states import TaskState
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene
from tests.factories.people import SYSTEM

pytestmark = pytest.mark.django_db


def break_with(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(advancing, name, broken)


def cancel(scene: Scene) -> None:
    cancel_task(actor=SYSTEM, task=scene.task, clock=scene.clock)


def test_one_that_cannot_be_planned_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene(script_step(roles="web"), begin=False)
    break_with(monkeypatch, "make_execution_plan", KeyError("a bug"))
    scene.begin()
    assert scene.state() == TaskState.FAILED
    assert "KeyError" in scene.task.error_message


def test_a_database_that_is_away_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene(script_step(roles="web"), begin=False)
    with monkeypatch.context() as patch:
        break_with(patch, "make_execution_plan", OperationalError("away"))
        with pytest.raises(OperationalError):
            scene.begin()
    scene.advance()
    assert len(scene.runs()) == 1


def test_one_whose_secrets_cannot_be_read_any_more_fails_and_stops_its_commands() -> None:
    scene = make_scene(script_step(roles="web"), script_step("Next", roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    scene.finish(run)
    plans = ExecutionPlan.objects.in_space(scene.deployment.space)
    plans.update(sealed_variables=b"\1" + bytes(40))
    scene.advance()
    assert scene.state() == TaskState.FAILED
    assert "master key" in scene.task.error_message


def test_one_that_breaks_later_is_tried_again_until_somebody_insists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = make_scene(script_step(roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    break_with(monkeypatch, "decide", RuntimeError("a bug"))
    with pytest.raises(RuntimeError):
        scene.advance()
    cancel(scene)
    with pytest.raises(RuntimeError):
        scene.advance()
    assert scene.state() == TaskState.CANCELLING
    cancel(scene)
    scene.advance()
    assert scene.state() == TaskState.CANCELED
    assert [row.state for row in scene.rows()] == ["Canceled"]
    assert [message.kind for message in messages_for(run.agent_id)] == ["cancel"]
