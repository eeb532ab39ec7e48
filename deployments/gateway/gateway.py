"""The gateway: agents' sockets on one side, database and wake-ups on the other."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from django.db import Error as DatabaseError
from django.db import close_old_connections, connections
from redis.exceptions import RedisError
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from agent import failpoints
from agent.contracts import limits
from agent.contracts.messages import GoAway, Hello, UpgradeState
from deployments.base.redis import asyncio_client
from deployments.base.wake import MAILBOX_CHANNEL
from deployments.gateway import deliveries, sessions
from deployments.gateway.commits import Commits
from deployments.gateway.connection import AgentConnection
from deployments.gateway.deliveries import Delivery
from deployments.gateway.gathered import Gathered
from deployments.gateway.sessions import Session
from deployments.gateway.store import Outcome
from deployments.infrastructure.agent_credentials import agent_for_credential, bearer
from deployments.infrastructure.services.upgrade_progress import (
    apply_upgrade_state,
    end_silent_upgrades,
    wanted_upgrades,
)

log = structlog.get_logger(__name__)

SWEEP_EVERY = 2.0
SEEN_EVERY = 10.0
# A revoked agent is cut off within 5 s.
REVOKED_EVERY = 2.0
# What a planned restart spreads its agents over, at least.
LEAVE_WITHIN = 5.0
HANDSHAKES_PER_SWEEP = 400
_PATH = "/agent/v1/connect"
_RESULT = TypeVar("_RESULT")


class Gateway:
    """All connections of this process. One thread writes to the database, one reads."""

    def __init__(self) -> None:
        self.name = f"{os.uname().nodename}/{uuid4()}"
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self.commits = Commits(self._writer, self._stored)
        self._begins = Gathered(self._begin_sessions)
        self._ends = Gathered(self._end_sessions)
        self._connections: dict[int, AgentConnection] = {}
        self._woken: set[int] = set()
        self._wake = asyncio.Event()
        self._handshakes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background and keep hold of it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def start_loops(self) -> None:
        """Start what runs for ever."""
        for work in (self.commits.run, self._listen, self._deliver, self._keep_seen, self._cut_off):
            self.start(_for_ever(work))

    def stop(self) -> None:
        """Stop what start_loops has started, and give the threads back."""
        for task in self._tasks:
            task.cancel()
        for thread in (self._writer, self._reader):
            thread.submit(connections.close_all)
            thread.shutdown()

    async def authenticate(self, socket: ServerConnection, request: Request) -> Response | None:
        """Check path and credential before the handshake; None lets it go on."""
        if request.path != _PATH:
            return socket.respond(HTTPStatus.NOT_FOUND, "There is nothing here but agents.\n")
        self._handshakes += 1
        if self._handshakes > HANDSHAKES_PER_SWEEP:
            response = socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many at once.\n")
            response.headers["Retry-After"] = "2"
            return response
        credential = bearer(request.headers.get("Authorization", ""))
        agent = await self._read(lambda: agent_for_credential(credential)) if credential else None
        if agent is None:
            return socket.respond(HTTPStatus.UNAUTHORIZED, "The credential is not known.\n")
        socket.agent_pk = agent.pk  # type: ignore[attr-defined]  # websockets invites attributes
        return None

    async def serve(self, socket: ServerConnection) -> None:
        """Serve one accepted socket until it closes."""
        connection = AgentConnection(self, socket, socket.agent_pk)  # type: ignore[attr-defined]
        try:
            await connection.run()
        finally:
            agent_pk = connection.agent_pk
            if self._connections.get(agent_pk) is connection:
                del self._connections[agent_pk]
            if connection.session is not None:
                await self._ends.ask(agent_pk, connection.session)

    async def begin(self, connection: AgentConnection, hello: Hello) -> Session | None:
        """Begin a session, or refuse it; an older connection of the same agent is closed."""
        pk = connection.agent_pk
        session = await self._begins.ask(pk, hello)
        if session is None:
            return None
        older = self._connections.get(pk)
        self._connections[pk] = connection
        if older is not None and older is not connection:
            self.start(older.close(limits.CLOSE_SUPERSEDED, "a newer connection took over"))
        return session

    async def _begin_sessions(self, hellos: Mapping[int, Hello]) -> Mapping[int, Session]:
        return await self._write(lambda: sessions.begin_sessions(hellos, self.name))

    async def _end_sessions(self, ended: Mapping[int, Session]) -> Mapping[int, None]:
        await self._write(lambda: sessions.end_sessions(ended.values()))
        return {}

    async def unfinished(self, agent_pks: Iterable[int]) -> list[Delivery]:
        """Read what is unfinished for the agents."""
        wanted = list(agent_pks)
        return await self._read(lambda: deliveries.unfinished(wanted))

    async def offer(self, connection: AgentConnection, items: Sequence[Delivery]) -> None:
        """Send an agent what it does not have yet."""
        await self._send([(connection, connection.deliver(items))])

    async def _send(self, wanted: Sequence[tuple[AgentConnection, list[int]]]) -> None:
        pks = [pk for _, of_one in wanted for pk in of_one]
        if not pks:
            return
        try:
            messages = await self._read(lambda: deliveries.wire_messages(pks))
        except BaseException:
            for connection, of_one in wanted:
                connection.not_sent(of_one)
            raise
        failpoints.hit("gateway.loaded")
        for connection, _ in wanted:
            connection.send(messages.get(connection.agent_pk, ()))

    @property
    def leave_window(self) -> float:
        """The seconds over which all agents reconnect without being refused for their number."""
        return max(LEAVE_WITHIN, len(self._connections) * SWEEP_EVERY / HANDSHAKES_PER_SWEEP)

    async def note_upgrade(self, agent_pk: int, state: UpgradeState) -> None:
        """Store how far an agent's upgrade is; when one ends, others may begin."""
        if await self._write(lambda: apply_upgrade_state(agent_pk, state)):
            await self._send_upgrades()

    async def _send_upgrades(self) -> None:
        connected = [pk for pk, c in self._connections.items() if c.protocol.session is not None]
        wanted = await self._read(lambda: wanted_upgrades(connected))
        for agent_pk, message in wanted.items():
            connection = self._connections.get(agent_pk)
            if connection is not None:
                connection.send_upgrade(message)

    async def go_away(self, after_s: float) -> None:
        """Ask all agents to reconnect elsewhere within a window (a planned restart)."""
        message = GoAway(after_s=after_s, reason="the gateway restarts")
        leaving = [connection.go_away(message) for connection in self._connections.values()]
        await asyncio.gather(*leaving, return_exceptions=True)

    def _stored(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            connection = self._connections.get(outcome.session.agent_pk)
            if connection is None or connection.session != outcome.session:
                continue
            connection.stored(outcome)

    async def _listen(self) -> None:
        is_away = False
        while True:
            try:
                async with asyncio_client() as client, client.pubsub() as subscription:
                    await subscription.subscribe(MAILBOX_CHANNEL)
                    is_away = False
                    async for message in subscription.listen():
                        if message["type"] == "message":
                            self._woken.update(int(part) for part in message["data"].split(b","))
                            self._wake.set()
            except (RedisError, OSError, ValueError) as error:
                if not is_away:
                    log.warning("no wake-ups from Redis; the sweep goes on", error=str(error))
                is_away = True
                await asyncio.sleep(1)

    async def _deliver(self) -> None:
        loop = asyncio.get_running_loop()
        next_sweep = loop.time() + SWEEP_EVERY
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_sweep):
                    await self._wake.wait()
            agents = self._woken & self._connections.keys()
            if loop.time() >= next_sweep:
                agents = set(self._connections)
                next_sweep = loop.time() + SWEEP_EVERY
                self._handshakes = 0
            self._wake.clear()
            self._woken = set()
            try:
                await self._deliver_to(agents)
            except DatabaseError as error:
                log.warning("the mailbox cannot be read; trying again", error=type(error).__name__)

    async def _deliver_to(self, agents: set[int]) -> None:
        if not agents:
            return
        wanted: list[tuple[AgentConnection, list[int]]] = []
        by_agent: dict[int, list[Delivery]] = {}
        for item in await self.unfinished(agents):
            by_agent.setdefault(item.agent_pk, []).append(item)
        for agent_pk, items in by_agent.items():
            connection = self._connections.get(agent_pk)
            if connection is not None and connection.protocol.session is not None:
                wanted.append((connection, connection.deliver(items)))
        await self._send(wanted)

    async def _keep_seen(self) -> None:
        while True:
            await asyncio.sleep(SEEN_EVERY)
            held = [c.session for c in self._connections.values() if c.session is not None]
            try:
                taken, revoked = await self._write(lambda: sessions.seen(held))  # noqa: B023
                await self._write(sessions.end_silent)
                await self._write(end_silent_upgrades)
                await self._send_upgrades()
            except DatabaseError as error:
                log.warning("sessions cannot be refreshed", error=type(error).__name__)
                continue
            for session in held:
                connection = self._connections.get(session.agent_pk)
                if connection is None or connection.session != session:
                    continue
                if session.agent_pk in revoked:
                    self.start(connection.close(limits.CLOSE_UNAUTHORIZED, "revoked"))
                elif session.agent_pk in taken:
                    self.start(connection.close(limits.CLOSE_SUPERSEDED, "taken over"))

    async def _cut_off(self) -> None:
        """Close the connections of agents that were revoked."""
        while True:
            await asyncio.sleep(REVOKED_EVERY)
            try:
                revoked = await self._read(sessions.revoked_lately)
            except DatabaseError as error:
                log.warning("revoked agents cannot be read", error=type(error).__name__)
                continue
            for agent_pk in revoked & self._connections.keys():
                connection = self._connections[agent_pk]
                self.start(connection.close(limits.CLOSE_UNAUTHORIZED, "revoked"))

    async def _read(self, work: Callable[[], _RESULT]) -> _RESULT:
        return await asyncio.get_running_loop().run_in_executor(self._reader, _fresh, work)

    async def _write(self, work: Callable[[], _RESULT]) -> _RESULT:
        return await asyncio.get_running_loop().run_in_executor(self._writer, _fresh, work)


async def _for_ever(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a loop again when it breaks: one bad row or message must not stop the gateway."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("a loop of the gateway broke; it goes on", loop=work.__name__)
            await asyncio.sleep(1)


def _fresh(work: Callable[[], _RESULT]) -> _RESULT:
    """Run database work; a connection that broke is dropped so that the next one is new."""
    try:
        return work()
    except DatabaseError:
        close_old_connections()
        raise
