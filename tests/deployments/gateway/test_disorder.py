"""Messages in any order, twice, late, of another session, of another agent, or plain nonsense."""

import asyncio
import hashlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
from django.test import Client
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from agent.contracts import limits
from agent.contracts.codec import encode
from agent.contracts.messages import (
    Accepted,
    CommandReport,
    Error,
    FinalAck,
    Finished,
    Hello,
    Progress,
    Run,
    Started,
    State,
)
from deployments.execution.services.sweep import expire_commands
from deployments.gateway.gateway import Gateway
from deployments.infrastructure.models import Agent
from tests.deployments.gateway.conftest import PATIENCE, GatewayLab, Wire
from tests.factories.domain import make_environment, make_machine
from tests.factories.execution import make_agent

LOG = b"one\ntwo\n"
_UNKNOWN = "01890000-0000-7000-8000-{:012d}"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_the_order_of_what_is_said_does_not_matter(
    lab: GatewayLab, order: Sequence[int]
) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.hear(Run)
        await wire.print(run.id, 0, LOG)
        said = (
            Accepted(id=run.id),
            Started(id=run.id),
            Finished(id=run.id, started=True, exit=0, bytes=len(LOG)),
        )
        for number in order:
            await wire.say(said[number])
            await asyncio.sleep(0.05)
        await wire.hear(FinalAck)
    assert await lab.state("Succeeded", "Failed") == "Succeeded"
    assert await lab.printed() == LOG
    assert (await lab.execution()).started is not None


async def test_a_recorded_session_played_again_changes_nothing(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        await wire.say(Started(id=run.id))
        await wire.print(run.id, 0, LOG)
        await wire.end(run, len(LOG), LOG)
        await wire.hear(FinalAck)
    before = await lab.execution()
    async with lab.wire() as late:
        # Without a greeting it is refused, message by message.
        await late.say(Finished(id=run.id, started=True, exit=1))
        assert (await late.hear(Error)).code == "not_ready"
        await late.hello()
        await late.say(Accepted(id=run.id))
        await late.say(Started(id=run.id))
        await late.print(run.id, 0, LOG)
        await late.say(Finished(id=run.id, started=True, exit=1, bytes=len(LOG)))
        await late.hear(FinalAck)
    after = await lab.execution()
    assert (after.state, after.exit_code) == ("Succeeded", 0)
    assert (after.started, after.finished) == (before.started, before.finished)
    assert await lab.printed() == LOG


@asynccontextmanager
async def second_gateway(lab: GatewayLab) -> AsyncIterator[GatewayLab]:
    gateway = Gateway()
    gateway.start_loops()
    async with serve(
        gateway.serve,
        "127.0.0.1",
        0,
        process_request=gateway.authenticate,
        compression=None,
        close_timeout=1,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield GatewayLab(gateway, port, lab.scene)
    gateway.stop()


async def test_two_gateways_offer_the_same_command_and_one_session_counts(lab: GatewayLab) -> None:
    async with second_gateway(lab) as other, lab.wire() as old, other.wire() as new:
        await old.hello()
        first = await old.hear(Run)
        await new.hello()
        second = await new.hear(Run)
        assert first.id == second.id
        await old.print(first.id, 0, b"old\n")
        await old.say(Finished(id=first.id, started=True, exit=1, bytes=4))
        assert await old.closed() == limits.CLOSE_SUPERSEDED
        await new.say(Accepted(id=second.id))
        await new.print(second.id, 0, LOG)
        await new.end(second, len(LOG), LOG)
        await new.hear(FinalAck)
    assert await lab.state("Succeeded", "Failed") == "Succeeded"
    assert await lab.printed() == LOG


async def test_a_result_after_the_command_was_given_up_changes_nothing(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.hear(Run)
        lab.scene.clock.forward(3600)
        assert await lab.ask(lambda: expire_commands(now=lab.scene.clock())) == 1
        given_up = await lab.execution()
        await wire.print(run.id, 0, LOG)
        await wire.end(run, len(LOG), LOG)
        await wire.hear(FinalAck)
        after = await lab.execution()
        assert after.state == given_up.state == "Lost"
        assert after.error_message == given_up.error_message
        # What it printed is kept: somebody will want to know what it did.
        assert await lab.printed() == LOG


STRANGER = "credential of another agent"


async def another_agent(lab: GatewayLab) -> int:
    def make() -> int:
        agent = make_agent(make_machine(make_environment("Elsewhere"), name="other"))
        digest = hashlib.sha256(STRANGER.encode()).hexdigest()
        Agent.objects.unscoped(reason="a test").filter(pk=agent.pk).update(credential_sha256=digest)
        return int(agent.pk)

    pk: int = await lab.ask(make)
    return pk


async def test_an_agent_cannot_speak_for_another(lab: GatewayLab) -> None:
    await another_agent(lab)
    url = f"ws://127.0.0.1:{lab.port}/agent/v1/connect"
    headers = {"Authorization": f"Bearer {STRANGER}"}
    async with lab.wire() as wire, connect(url, additional_headers=headers, proxy=None) as socket:
        await wire.hello()
        run = await wire.take()
        sly = Wire(socket)
        await sly.hello(CommandReport(id=run.id, state="started", needs_spec=True))
        for message in (
            Accepted(id=run.id),
            Started(id=run.id),
            Progress(id=run.id),
            Finished(id=run.id, started=True, exit=1),
            State(commands=(CommandReport(id=run.id, state="released", needs_spec=True),)),
        ):
            await sly.say(message)
        await sly.print(run.id, 0, b"forged\n")
        await sly.hear(FinalAck)
        await asyncio.sleep(1.5)
        assert [m for m in sly.heard if isinstance(m, Run)] == []
        assert (await lab.execution()).state == "Pending"
        await wire.print(run.id, 0, LOG)
        await wire.end(run, len(LOG), LOG)
        await wire.hear(FinalAck)
    assert await lab.state("Succeeded", "Failed") == "Succeeded"
    assert await lab.printed() == LOG


async def test_an_agent_gets_no_spec_package_or_artifact_of_another(lab: GatewayLab) -> None:
    await another_agent(lab)
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
    paths = [
        f"/agent/v1/commands/{run.id}/spec",
        f"/agent/v1/packages/{'a' * 64}",
        f"/agent/v1/commands/{run.id}/artifacts/1",
    ]

    def ask(path: str, credential: str) -> int:
        headers = {"Authorization": f"Bearer {credential}"}
        return Client().get(path, headers=headers).status_code

    for path in paths:
        assert await lab.ask(partial(ask, path, STRANGER)) == 404
        assert await lab.ask(partial(ask, path, "no such")) == 401
    assert await lab.ask(lambda: ask(paths[0], "credential of the test")) == 200


@pytest.mark.parametrize(
    ("frame", "code"),
    [("x" * 2 * limits.MAX_FRAME, 1009), (b"\xff" * 2 * limits.MAX_FRAME, 1009)],
)
async def test_a_huge_frame_ends_the_connection_alone(
    lab: GatewayLab, frame: str | bytes, code: int
) -> None:
    async with lab.wire() as wire, lab.wire() as second:
        await wire.hello()
        with suppress(ConnectionClosed):
            await wire.socket.send(frame)
        assert await wire.closed() == code
        await second.hello()
        await second.take()


async def test_a_million_ids_take_no_memory(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        connection = next(iter(lab.gateway._connections.values()))
        for part in range(10):
            ids = [_UNKNOWN.format(part * 500 + number) for number in range(500)]
            reports = [
                CommandReport(id=i, state="accepted", needs_spec=n % 2 == 0)
                for n, i in enumerate(ids)
            ]
            await wire.say(State(commands=tuple(reports)))
            await wire.say(Finished(id=ids[0], started=True))
        await wire.hear(FinalAck)
        await wire.end(run, 0)
        await lab.state("Succeeded")
        held = [connection._needs_spec, connection._executions, connection._unfinished]
        async with asyncio.timeout(PATIENCE):
            while sum(map(len, held)) > 1:  # noqa: ASYNC110 it forgets after the row has been written
                await asyncio.sleep(0.02)
        assert connection._received._logs == {}


async def test_slow_handshakes_hold_nobody_up(lab: GatewayLab) -> None:
    slow = []
    for _ in range(200):
        reader, writer = await asyncio.open_connection("127.0.0.1", lab.port)
        writer.write(b"GET /agent/v1/connect HTTP/1.1\r\nHost: x\r\n")
        slow.append((reader, writer))
    began = time.monotonic()
    async with lab.wire() as wire:
        await wire.hello()
        await wire.take()
    assert time.monotonic() - began < 5
    async with asyncio.timeout(limits.OPEN_TIMEOUT + 5):
        for reader, writer in slow:
            await reader.read()
            writer.close()


async def test_an_agent_of_another_version_is_served_or_told(lab: GatewayLab) -> None:
    newer = json.loads(encode(Hello(protocols=(1, 2), agent_version="99.0", boot_id="b")))
    async with lab.wire() as wire:
        await wire.socket.send(json.dumps({**newer, "mood": "fine", "nested": {"a": [1]}}))
        run = await wire.hear(Run)
        await wire.socket.send(json.dumps({"v": 2, "t": "dream", "id": run.id}))
        assert (await wire.hear(Error)).code == "unsupported"
        await wire.end(run, 0)
        await wire.hear(FinalAck)
    async with lab.wire() as wire:
        await wire.say(Hello(protocols=(98, 99), agent_version="99.0", boot_id="b"))
        assert await wire.closed() == limits.CLOSE_UNSUPPORTED_PROTOCOL
