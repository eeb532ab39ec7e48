"""Canceling before, while and after commands run; by force; with agents away."""

import pytest

from deployments.execution.models import AgentMessage
from deployments.execution.services import mailbox
from deployments.execution.services.mailbox import messages_for
from deployments.infrastructure.models import AgentSession
from deployments.server_tasks.services import cancel_task
from deployments.server_tasks.states import TaskState
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene
from tests.factories.people import SYSTEM

pytestmark = pytest.mark.django_db


def cancel(scene: Scene) -> None:
    cancel_task(actor=SYSTEM, task=scene.task, clock=scene.clock)
    scene.advance()


def cancels(scene: Scene) -> list[AgentMessage]:
    rows = AgentMessage.objects.in_space(scene.deployment.space).filter(kind="cancel")
    return list(rows.order_by("pk"))


def test_before_the_start_nothing_ever_runs() -> None:
    scene = make_scene(script_step(roles="web"), begin=False)
    cancel(scene)
    assert scene.state() == TaskState.CANCELED
    scene.begin()
    assert scene.rows() == []


def test_while_a_script_runs_the_agent_is_told_and_decides_the_end() -> None:
    scene = make_scene(script_step(roles="web"), script_step("Next", roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    scene.start(run)
    cancel(scene)
    cancel_message = cancels(scene)[0]
    assert cancel_message.header["command"] == str(run.message_id)
    assert list(messages_for(run.agent_id)) == [cancel_message]
    assert scene.state() == TaskState.CANCELLING
    mailbox.apply_cancel_ack(str(run.message_id), "signalled")
    assert scene.state() == TaskState.CANCELLING
    scene.finish(run, exit_code=143, reason="cancelled")
    scene.advance()
    assert scene.state() == TaskState.CANCELED
    assert [row.state for row in scene.rows()] == ["Canceled"]
    assert list(messages_for(run.agent_id)) == []


def test_a_tombstone_ends_a_command_that_never_started() -> None:
    scene = make_scene(script_step(roles="web"))
    (run,) = scene.runs()
    cancel(scene)
    assert scene.state() == TaskState.CANCELLING
    mailbox.apply_cancel_ack(str(run.message_id), "tombstoned")
    scene.advance()
    assert scene.state() == TaskState.CANCELED


def test_a_script_that_ends_before_the_cancel_arrives_keeps_its_result() -> None:
    scene = make_scene(script_step(roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    cancel(scene)
    scene.finish(run)
    scene.advance()
    assert [row.state for row in scene.rows()] == ["Succeeded"]
    assert scene.state() == TaskState.CANCELED


def test_an_agent_that_is_away_does_not_hold_the_task_and_hears_of_it_later() -> None:
    scene = make_scene(script_step(roles="web"), connected=False)
    (run,) = scene.runs()
    cancel(scene)
    assert scene.state() == TaskState.CANCELED
    assert [message.kind for message in messages_for(run.agent_id)] == ["cancel"]
    mailbox.apply_cancel_ack(str(run.message_id), "tombstoned")
    assert list(messages_for(run.agent_id)) == []


def test_an_agent_that_went_away_with_a_command_unheard_is_waited_for_unless_forced() -> None:
    scene = make_scene(script_step(roles="web"))
    (run,) = scene.runs()
    AgentSession.objects.update(disconnected=run.created)
    cancel(scene)
    assert scene.state() == TaskState.CANCELLING
    scene.finish(run, exit_code=143, reason="cancelled")
    scene.advance()
    assert scene.state() == TaskState.CANCELED
    assert scene.rows()[0].started is not None


def test_an_accepted_command_of_an_agent_that_is_away_is_waited_for_unless_forced() -> None:
    scene = make_scene(script_step(roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    AgentSession.objects.update(disconnected=scene.clock())
    cancel(scene)
    assert scene.state() == TaskState.CANCELLING
    cancel(scene)
    assert scene.state() == TaskState.CANCELED
    assert [row.state for row in scene.rows()] == ["Canceled"]
    assert "left behind" in scene.rows()[0].error_message
    scene.finish(run)
    scene.advance()
    assert [row.state for row in scene.rows()] == ["Canceled"]


def test_a_hundred_requests_make_one_cancel() -> None:
    scene = make_scene(script_step(roles="web"), machines=2)
    scene.accept(*scene.runs())
    cancel(scene)
    for _ in range(5):
        scene.advance()
    assert len(cancels(scene)) == 2
