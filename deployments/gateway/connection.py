"""One agent's connection: frames in, deliveries out."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agent.contracts import limits
from agent.contracts.messages import (
    Accepted,
    Cancel,
    CancelAck,
    Finished,
    Goodbye,
    Hello,
    Progress,
    Rejected,
    ResumePoint,
    Run,
    Started,
    State,
    Welcome,
)
from agent.contracts.sessions.server import Close, Output, ServerEvent, ServerSession
from deployments.gateway.deliveries import Delivery
from deployments.gateway.sessions import Session

if TYPE_CHECKING:
    from deployments.gateway.gateway import Gateway

log = structlog.get_logger(__name__)


class AgentConnection:
    """Runs one session between an agent's socket and the gateway."""

    def __init__(self, gateway: "Gateway", socket: ServerConnection, agent_pk: int) -> None:
        self.gateway = gateway
        self.socket = socket
        self.agent_pk = agent_pk
        self.session: Session | None = None
        self.protocol = ServerSession(time.monotonic())
        self._executions: dict[str, int] = {}
        self._sent: set[int] = set()
        self._unfinished: dict[str, Finished] = {}
        self._needs_spec: set[str] = set()
        self._outgoing = asyncio.Event()

    async def run(self) -> None:
        """Serve the socket until it closes."""
        sender = asyncio.create_task(self._send_frames())
        try:
            async for frame in self.socket:
                for event in self.protocol.receive(frame):
                    await self._handle(event)
                self._outgoing.set()
        except ConnectionClosed:
            pass
        finally:
            sender.cancel()

    async def close(self, code: int, reason: str) -> None:
        """Close the socket from this side."""
        await self.socket.close(code, reason)

    def deliver(self, deliveries: Sequence[Delivery]) -> list[int]:
        """Learn which messages are unfinished; returns those to load and `send`."""
        wanted = []
        for delivery in deliveries:
            self._executions[delivery.command_id] = delivery.execution_pk
            if delivery.pk in self._sent:
                continue
            self._sent.add(delivery.pk)
            is_run = delivery.kind == Run.KIND
            if is_run and delivery.is_accepted and delivery.command_id not in self._needs_spec:
                self.protocol.track(delivery.command_id, delivery.log_length)
                continue
            self._needs_spec.discard(delivery.command_id)
            wanted.append(delivery.pk)
        return wanted

    def owns(self, command_id: str) -> bool:
        """Say whether the command is for this agent."""
        return command_id in self._executions

    def send(self, messages: Sequence[Run | Cancel]) -> None:
        """Send messages of the mailbox."""
        for message in messages:
            self.protocol.send(message, time.monotonic())
        self._outgoing.set()

    def stored(self, command_id: str, log_length: int, *, ended: bool) -> None:
        """Acknowledge what a commit has made durable."""
        if ended:
            self._unfinished.pop(command_id, None)
            self.protocol.final_ack(command_id)
        else:
            self._acknowledge_log(command_id, log_length)
        self._outgoing.set()

    def lost(self, command_id: str) -> None:
        """Start over: what was said was not stored, so the agent must say it again."""
        self.gateway.start(self.close(limits.CLOSE_GOING_AWAY, "start over"))

    def _acknowledge_log(self, command_id: str, log_length: int) -> None:
        if log_length > self.protocol.log_received(command_id):
            self.protocol.log_lost(command_id, log_length)
        else:
            self.protocol.log_durable(command_id, log_length)
        finished = self._unfinished.get(command_id)
        if finished is not None and log_length >= finished.bytes and self.session is not None:
            self.gateway.commits.said(self.session, self._executions[command_id], finished)

    async def _handle(self, event: ServerEvent) -> None:
        if isinstance(event, Close):
            await self.close(event.code, event.reason)
        elif isinstance(event, Hello):
            await self._greet(event)
        elif isinstance(event, Output):
            self._store_output(event)
        elif isinstance(event, State):
            self._note_states(event)
        elif isinstance(event, (Accepted, Rejected, Started, Progress, Finished, CancelAck)):
            self._store_message(event)
        elif isinstance(event, Goodbye):
            log.info("agent says goodbye", agent=self.agent_pk, reason=event.reason)

    async def _greet(self, hello: Hello) -> None:
        self.session = await self.gateway.begin(self, hello)
        deliveries = await self.gateway.unfinished([self.agent_pk])
        runs = {d.command_id: d for d in deliveries if d.kind == Run.KIND}
        self._needs_spec = {report.id for report in hello.commands if report.needs_spec}
        self.protocol.welcome(
            Welcome(
                session=self.session.number,
                server_time_ms=time.time_ns() // 1_000_000,
                resume=tuple(
                    ResumePoint(id=d.command_id, offset=d.log_length) for d in runs.values()
                ),
                cancel=tuple(d.command_id for d in deliveries if d.kind == Cancel.KIND),
                forget=tuple(report.id for report in hello.commands if report.id not in runs),
            )
        )
        await self.gateway.offer(self, deliveries)
        if not hello.more_commands:
            self._declare_lost(hello, runs)

    def _declare_lost(self, hello: Hello, runs: Mapping[str, Delivery]) -> None:
        """End what the agent once accepted and knows nothing of: its state folder was lost."""
        reported = {report.id for report in hello.commands}
        for command_id, delivery in runs.items():
            if delivery.is_accepted and command_id not in reported:
                self._store_message(Finished(id=command_id, started=True, reason="lost"))

    def _store_output(self, event: Output) -> None:
        execution_pk = self._executions.get(event.frame.id)
        if execution_pk is not None and self.session is not None:
            self.gateway.commits.output(self.session, execution_pk, event.frame)

    def _note_states(self, event: State) -> None:
        for report in event.commands:
            if report.state in {"accepted", "started", "finished"}:
                self._store_message(Accepted(id=report.id))

    def _store_message(
        self, event: Accepted | Rejected | Started | Progress | Finished | CancelAck
    ) -> None:
        execution_pk = self._executions.get(event.id)
        if self.session is None:
            return
        if execution_pk is None:
            # A command that this server no longer waits for: let the agent release it.
            if isinstance(event, Finished):
                self.protocol.final_ack(event.id)
            return
        if isinstance(event, Finished):
            self._unfinished[event.id] = event
        self.gateway.commits.said(self.session, execution_pk, event)

    async def _send_frames(self) -> None:
        try:
            while True:
                while (frame := self.protocol.next_frame()) is not None:
                    await self.socket.send(frame)
                self._outgoing.clear()
                tick = self.protocol.next_tick()
                pause = None if tick is None else max(0.0, tick - time.monotonic())
                try:
                    await asyncio.wait_for(self._outgoing.wait(), pause)
                except TimeoutError:
                    for event in self.protocol.tick(time.monotonic()):
                        await self._handle(event)
        except ConnectionClosed:
            return
