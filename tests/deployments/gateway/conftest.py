"""A real gateway on a real port, and an agent's side of the socket that the test speaks itself."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from agent.contracts import limits
from agent.contracts.codec import decode_from_server, encode
from agent.contracts.messages import (
    Accepted,
    CommandReport,
    Finished,
    FromAgent,
    FromServer,
    Hello,
    Run,
    Welcome,
)
from agent.contracts.out_frame import STDOUT, OutFrame, encode_out
from agent.contracts.spool import RECORD, decode_frames
from deployments.base.clock import Clock, utc_now
from deployments.execution.logs.bodies import unpack_body
from deployments.execution.models import ActionExecution, LogChunk
from deployments.gateway import gateway as gateway_module
from deployments.gateway.gateway import Gateway
from deployments.gateway.sessions import Session, begin_sessions
from deployments.infrastructure.models import Agent
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene

M = TypeVar("M", bound=FromServer)
CREDENTIAL = "credential of the test"
HELLO = Hello(protocols=(1,), agent_version="1.0", boot_id="boot")
PATIENCE = 40.0


def begin(scene: Scene, hello: Hello = HELLO, *, clock: Clock = utc_now) -> Session:
    """Begin a session of the scene's agent, without a connection."""
    agent = scene.machines[0].agent
    assert agent is not None
    return begin_sessions({agent.pk: hello}, "a gateway", clock=clock)[agent.pk]


@dataclass
class Wire:
    """One connection of an agent; the test says what the agent says."""

    socket: ClientConnection
    heard: list[FromServer] = field(default_factory=list)

    async def say(self, message: FromAgent) -> None:
        await self.socket.send(encode(message))

    async def hello(self, *commands: CommandReport, boot_id: str = "boot") -> Welcome:
        await self.say(
            Hello(protocols=(1,), agent_version="1.0", boot_id=boot_id, commands=commands)
        )
        return await self.hear(Welcome)

    async def print(self, command_id: str, offset: int, text: bytes, stream: int = STDOUT) -> None:
        frame = OutFrame(id=command_id, stream=stream, offset=offset, time_ms=1, payload=text)
        await self.socket.send(encode_out(frame))

    async def take(self) -> Run:
        """Wait for a run and accept it."""
        run = await self.hear(Run)
        await self.say(Accepted(id=run.id))
        return run

    async def end(self, run: Run, length: int, log: bytes | None = None, **fields: Any) -> None:
        """Say that the command has ended well."""
        fields = {"exit": 0, **fields}
        if log is not None:
            fields["sha256"] = hashlib.sha256(log).hexdigest()
        await self.say(Finished(id=run.id, started=True, bytes=length, **fields))

    async def hear(self, kind: type[M], seconds: float = PATIENCE) -> M:
        """Wait for a message of this kind."""
        async with asyncio.timeout(seconds):
            while True:
                message = decode_from_server(str(await self.socket.recv()))
                self.heard.append(message)
                if isinstance(message, kind):
                    return message

    async def closed(self) -> int | None:
        """Wait until the gateway has closed the connection; returns the code."""
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    self.heard.append(decode_from_server(str(await self.socket.recv())))
            except ConnectionClosed:
                return self.socket.close_code


@dataclass
class GatewayLab:
    """A gateway, and one deployment of one script to one target whose agent the test plays."""

    gateway: Gateway
    port: int
    scene: Scene

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        url = f"ws://127.0.0.1:{self.port}/agent/v1/connect"
        headers = {"Authorization": f"Bearer {CREDENTIAL}"}
        async with connect(
            url, additional_headers=headers, proxy=None, compression=None, max_size=limits.MAX_FRAME
        ) as socket:
            yield Wire(socket)

    async def ask(self, question: Callable[[], Any]) -> Any:
        return await in_database(question)

    async def execution(self) -> ActionExecution:
        found: ActionExecution = await in_database(lambda: self.scene.rows()[0])
        return found

    async def state(self, *wanted: str) -> str:
        """Wait until the execution has one of these states."""
        async with asyncio.timeout(PATIENCE):
            while (state := (await self.execution()).state) not in wanted:  # noqa: ASYNC110 a row
                await asyncio.sleep(0.02)
        return state

    async def stored(self) -> bytes:
        """Return every byte that the database holds of the log, records too."""
        return b"".join(payload for _, payload in await self._frames())

    async def printed(self) -> bytes:
        """Return what the database holds of both streams."""
        return b"".join(data for stream, data in await self._frames() if stream != RECORD)

    async def _frames(self) -> list[tuple[int, bytes]]:
        def read() -> list[tuple[int, bytes]]:
            rows = LogChunk.objects.in_space(self.scene.deployment.space)
            bodies = [
                unpack_body(bytes(chunk.body))
                for chunk in rows.exclude(execution=None).order_by("offset")
            ]
            return [(f.stream, f.payload) for body in bodies for f in decode_frames(body)[0]]

        frames: list[tuple[int, bytes]] = await in_database(read)
        return frames


async def in_database(work: Callable[[], Any]) -> Any:
    """Run database work in a thread that gives its connection back."""

    def run() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    return await sync_to_async(run, thread_sensitive=False)()


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    """Give a deployment whose run waits for its agent."""
    return make_scene(script_step(roles="web"))


@pytest.fixture
def short_sweeps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let sweeps come ten times as often."""
    monkeypatch.setattr(gateway_module, "SWEEP_EVERY", 0.2)
    return iter(())


@pytest.fixture
async def lab(scene: Scene, short_sweeps: None) -> AsyncIterator[GatewayLab]:
    """Give a running gateway with the credential of the scene's agent."""
    digest = hashlib.sha256(CREDENTIAL.encode()).hexdigest()
    agents = Agent.objects.unscoped(reason="a test")
    agent = scene.machines[0].agent
    assert agent is not None
    await in_database(lambda: agents.filter(pk=agent.pk).update(credential_sha256=digest))
    gateway = Gateway()
    gateway.start_loops()
    async with serve(
        gateway.serve,
        "127.0.0.1",
        0,
        process_request=gateway.authenticate,
        compression=None,
        max_size=limits.MAX_FRAME,
        open_timeout=5,
        close_timeout=1,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield GatewayLab(gateway, port, scene)
    gateway.stop()
