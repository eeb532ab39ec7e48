"""Agents that never come back must not leave a task hanging."""

from datetime import timedelta

import pytest

from deployments.execution.models import AgentMessage
from deployments.execution.services.lost_agents import settle_lost_agents
from deployments.execution.services.mailbox import messages_for
from deployments.execution.services.sweep import expire_commands
from deployments.infrastructure.models import Agent, AgentSession
from deployments.infrastructure.services.machines import delete_machine
from deployments.server_tasks.services import cancel_task
from deployments.server_tasks.states import TaskState
from tests.factories.domain import script_step
from tests.factories.execution import make_scene
from tests.factories.people import SYSTEM

pytestmark = pytest.mark.django_db


def test_commands_of_a_deleted_target_end_at_the_next_sweep() -> None:
    scene = make_scene(script_step(roles="web"), machines=3)
    taken, unheard, left = scene.runs()
    scene.accept(taken)
    gone = left.created - timedelta(seconds=1)
    AgentSession.objects.filter(agent=left.agent_id).update(disconnected=gone)
    for machine in scene.machines:
        delete_machine(actor=SYSTEM, row=machine, clock=scene.clock)
    assert settle_lost_agents(now=scene.clock()) == 3
    assert settle_lost_agents(now=scene.clock()) == 0
    assert {row.pk: row.state for row in scene.rows()} == {
        taken.execution_id: "Lost",
        unheard.execution_id: "Lost",
        left.execution_id: "Failed",
    }
    scene.advance()
    assert scene.state() == TaskState.FAILED


def test_a_canceled_task_whose_target_was_deleted_does_not_stay_cancelling() -> None:
    scene = make_scene(script_step(roles="web"))
    scene.accept(*scene.runs())
    cancel_task(actor=SYSTEM, task=scene.task, clock=scene.clock)
    scene.advance()
    delete_machine(actor=SYSTEM, row=scene.machines[0], clock=scene.clock)
    settle_lost_agents(now=scene.clock())
    scene.advance()
    assert scene.state() == TaskState.CANCELED


def test_commands_whose_agent_row_is_gone_are_lost() -> None:
    scene = make_scene(script_step(roles="web"))
    scene.start(*scene.runs())
    Agent.objects.in_space(scene.deployment.space).all().delete()
    assert settle_lost_agents(now=scene.clock()) == 0
    scene.clock.forward(3)
    assert settle_lost_agents(now=scene.clock()) == 1
    scene.advance()
    assert scene.state() == TaskState.FAILED


def test_an_agent_that_stays_away_beyond_all_limits_is_given_up() -> None:
    scene = make_scene(script_step(roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    runs = AgentMessage.objects.in_space(scene.deployment.space).filter(pk=run.pk)
    runs.update(header={**run.header, "deadline_s": 3600, "ttl_s": 600})
    AgentSession.objects.update(disconnected=scene.clock())
    scene.clock.forward(3600 + 600 + 3500)
    assert settle_lost_agents(now=scene.clock()) == 0
    scene.clock.forward(200)
    assert settle_lost_agents(now=scene.clock()) == 1
    assert [row.state for row in scene.rows()] == ["Lost"]
    assert [message.kind for message in messages_for(run.agent_id)] == ["cancel"]
    scene.finish(run)
    assert [row.state for row in scene.rows()] == ["Lost"]
    assert list(messages_for(run.agent_id)) == []


def test_a_canceled_command_that_may_have_been_taken_is_given_up_as_late_as_a_taken_one() -> None:
    scene = make_scene(script_step(roles="web"))
    (run,) = scene.runs()
    runs = AgentMessage.objects.in_space(scene.deployment.space).filter(pk=run.pk)
    runs.update(header={**run.header, "deadline_s": 3600, "ttl_s": 600})
    AgentSession.objects.update(disconnected=scene.clock())
    cancel_task(actor=SYSTEM, task=scene.task, clock=scene.clock)
    scene.advance()
    scene.clock.forward(3600 + 600 + 3500)
    assert settle_lost_agents(now=scene.clock()) == 0
    scene.clock.forward(200)
    assert settle_lost_agents(now=scene.clock()) == 1
    scene.advance()
    assert scene.state() == TaskState.CANCELED
    assert [row.state for row in scene.rows()] == ["Lost"]


def test_a_command_that_may_have_been_taken_is_not_said_to_have_failed() -> None:
    scene = make_scene(script_step(roles="web"), machines=2)
    unheard, left = scene.runs()
    AgentSession.objects.update(disconnected=unheard.created)
    gone = left.created - timedelta(seconds=1)
    AgentSession.objects.filter(agent=left.agent_id).update(disconnected=gone)
    scene.clock.forward(601)
    assert expire_commands(now=scene.clock()) == 2
    states = {row.pk: (row.state, "may have run" in row.error_message) for row in scene.rows()}
    assert states == {
        unheard.execution_id: ("Lost", True),
        left.execution_id: ("Failed", False),
    }
