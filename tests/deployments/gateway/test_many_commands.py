"""Thousands of commands wait for one agent that was away: it connects, and gets them in order."""

import asyncio
import copy
from datetime import timedelta

import pytest

from agent.contracts.messages import Accepted, CommandReport, FinalAck, Finished, Run
from deployments.execution.models import ActionExecution, AgentMessage
from deployments.execution.models.mailbox import new_message_id
from deployments.execution.services.cancel_live import abandon
from deployments.execution.services.mailbox import seal_spec
from deployments.gateway import connection as connection_module
from tests.deployments.gateway.conftest import GatewayLab, Wire


def queue(lab: GatewayLab, count: int) -> list[str]:
    """Let so many more commands wait for the agent; returns the ids of all in their order."""
    (first,) = lab.scene.runs()
    rows = [copy.copy(first.execution) for _ in range(count)]
    for number, row in enumerate(rows):
        row.pk, row.attempt = None, number + 2
    rows = ActionExecution.objects.bulk_create(rows)
    spec, ids = lab.scene.spec(first), [new_message_id() for _ in rows]
    sealed = [seal_spec(message_id, spec) for message_id in ids]
    messages = [
        AgentMessage(
            message_id=message_id,
            space_id=first.space_id,
            agent_id=first.agent_id,
            execution=row,
            kind="run",
            header=first.header,
            sealed_body=body,
            spec_sha256=sha256,
            created=first.created + timedelta(milliseconds=1),
        )
        for row, message_id, (body, sha256) in zip(rows, ids, sealed, strict=True)
    ]
    AgentMessage.objects.bulk_create(messages)
    return [str(first.message_id), *map(str, ids)]


async def hear_new(wire: Wire, count: int, known: list[str]) -> list[str]:
    """Wait for so many commands that are not known yet, with those heard while waiting for others.

    On a busy machine one whose acceptance is on its way is said again, as the protocol wants.
    """
    while True:
        runs = (message.id for message in wire.heard if isinstance(message, Run))
        heard = [each for each in dict.fromkeys(runs) if each not in known]
        if len(heard) >= count:
            return heard[:count]
        await wire.hear(Run)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("many", [1000, pytest.param(10_000, marks=pytest.mark.thorough)])
async def test_thousands_of_commands_for_one_agent(lab: GatewayLab, many: int) -> None:
    ids = await lab.ask(lambda: queue(lab, many - 1))
    most = connection_module._MOST_OFFERED
    async with lab.wire() as wire:
        # It reports one that it has, as after a restart.
        welcome = await wire.hello(CommandReport(id=ids[0], state="accepted"))
        assert [point.id for point in welcome.resume] == [ids[0]]
        heard = await hear_new(wire, most, known=[])
        assert heard == ids[:most]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await hear_new(wire, 1, known=heard)
        for command_id in heard:
            await wire.say(Accepted(id=command_id))
            await wire.say(Finished(id=command_id, started=True, exit=0))
        await wire.hear(FinalAck)
        assert await hear_new(wire, most, known=heard) == ids[most : 2 * most]

    scene = lab.scene
    await lab.ask(lambda: abandon(scene.task, now=scene.clock()))
    async with lab.wire() as wire:
        assert (await wire.hello()).cancel == ()
        with pytest.raises(TimeoutError):
            await wire.hear(Run, seconds=1.0)
