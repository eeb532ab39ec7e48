"""Secrets do not reach the database, however an agent cuts its output."""

import pytest

from agent.contracts.messages import CommandReport, FinalAck, OutAck
from deployments.library.services import VariableInput
from tests.deployments.gateway.conftest import GatewayLab
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene

SECRET = "correct-horse-battery"


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    """Give a deployment with a sensitive variable."""
    variable = VariableInput(name="Password", value=SECRET, is_sensitive=True)
    return make_scene(script_step(roles="web"), variables=lambda _: [variable])


async def test_a_secret_in_two_frames_never_reaches_the_database(lab: GatewayLab) -> None:
    text = f"the password {SECRET} is out\n".encode()
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        await wire.print(run.id, 0, text[:20])
        # Only what was stored is acknowledged: the beginning of the secret waits.
        assert (await wire.hear(OutAck)).offset == 13
        assert await lab.stored() == b"the password "
        await wire.print(run.id, 20, text[20:])
        assert (await wire.hear(OutAck)).offset == len(text)
        await wire.end(run, len(text), text)
        await wire.hear(FinalAck)
    assert await lab.stored() == b"the password ******** is out\n"
    assert (await lab.execution()).log_length == len(text)


async def test_what_was_held_back_is_stored_at_the_end(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        await wire.print(run.id, 0, b"it begins with correct-")
        assert (await wire.hear(OutAck)).offset == 15
        await wire.end(run, 23, b"it begins with correct-")
        await wire.hear(FinalAck)
    assert await lab.stored() == b"it begins with correct-"
    assert (await lab.execution()).state == "Succeeded"


async def test_what_was_held_back_comes_again_on_the_next_connection(lab: GatewayLab) -> None:
    text = f"x{SECRET}y\n".encode()
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        await wire.print(run.id, 0, text[:9])
        assert (await wire.hear(OutAck)).offset == 1
    async with lab.wire() as wire:
        (point,) = (await wire.hello(CommandReport(id=run.id, state="started"))).resume
        assert point.offset == 1
        await wire.print(run.id, 1, text[1:])
        await wire.end(run, len(text))
        await wire.hear(FinalAck)
    assert await lab.stored() == b"x********y\n"
