"""One agent's connection: frames in, deliveries out."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agent import failpoints
from agent.contracts import limits
from agent.contracts.messages import (
    Accepted,
    Cancel,
    CancelAck,
    Error,
    Finished,
    GoAway,
    Goodbye,
    Hello,
    Progress,
    Rejected,
    ResumePoint,
    Run,
    Started,
    State,
    Upgrade,
    UpgradeState,
    Welcome,
)
from agent.contracts.sessions.server import Close, Output, ServerEvent, ServerSession
from deployments.execution.services.mailbox import TEMPORARY, secret_texts
from deployments.gateway.deliveries import Delivery
from deployments.gateway.received import ReceivedLogs
from deployments.gateway.sessions import Session
from deployments.gateway.store import DAMAGED, Outcome

if TYPE_CHECKING:
    from deployments.gateway.gateway import Gateway

log = structlog.get_logger(__name__)

_GOODBYE_WITHIN = 2.0
_MOST_REMEMBERED = 1000
# Runs on their way to an agent that has not answered them; the next sweep offers more.
_MOST_OFFERED = 200


class AgentConnection:
    """Runs one session between an agent's socket and the gateway."""

    def __init__(self, gateway: "Gateway", socket: ServerConnection, agent_pk: int) -> None:
        self.gateway = gateway
        self.socket = socket
        self.agent_pk = agent_pk
        self.session: Session | None = None
        self.protocol = ServerSession(time.monotonic())
        self._executions: dict[str, int] = {}
        self._sent: dict[int, tuple[str, str]] = {}
        self._unfinished: dict[str, Finished] = {}
        self._needs_spec: set[str] = set()
        self._offered: set[str] = set()
        self._received = ReceivedLogs()
        self._outgoing = asyncio.Event()

    async def run(self) -> None:
        """Serve the socket until it closes."""
        sender = asyncio.create_task(self._send_frames())
        reader = asyncio.create_task(self._read_frames())
        try:
            await asyncio.wait({sender, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sender, reader):
                task.cancel()
            results = await asyncio.gather(sender, reader, return_exceptions=True)
            if self.session is not None:
                self.gateway.commits.forget(self.session, list(self._executions.values()))
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def close(self, code: int, reason: str) -> None:
        """Close the socket from this side."""
        await self.socket.close(code, reason)

    async def go_away(self, message: GoAway) -> None:
        """Ask the agent to come back later, and give it a moment to say goodbye."""
        self.protocol.send(message, time.monotonic())
        self._outgoing.set()
        try:
            async with asyncio.timeout(_GOODBYE_WITHIN):
                await self.socket.wait_closed()
        except TimeoutError:
            await self.close(limits.CLOSE_GOING_AWAY, message.reason)

    def deliver(self, deliveries: Sequence[Delivery]) -> list[int]:
        """Learn which messages are unfinished; returns those to load and `send`."""
        wanted = []
        if len(self._sent) > _MOST_REMEMBERED:
            unfinished = {delivery.pk for delivery in deliveries}
            self._sent = {pk: sent for pk, sent in self._sent.items() if pk in unfinished}
        for delivery in deliveries:
            self._executions[delivery.command_id] = delivery.execution_pk
            if delivery.pk in self._sent:
                continue
            is_run = delivery.kind == Run.KIND
            if is_run and delivery.is_accepted and delivery.command_id not in self._needs_spec:
                self._sent[delivery.pk] = (delivery.kind, delivery.command_id)
                self.protocol.track(delivery.command_id, delivery.log_length)
                continue
            if is_run and len(self._offered) >= _MOST_OFFERED:
                continue
            self._sent[delivery.pk] = (delivery.kind, delivery.command_id)
            if is_run:
                self._offered.add(delivery.command_id)
            self._needs_spec.discard(delivery.command_id)
            wanted.append(delivery.pk)
        return wanted

    def not_sent(self, pks: Iterable[int]) -> None:
        """Offer these messages again, because they could not be loaded."""
        for pk in pks:
            _, command_id = self._sent.pop(pk, ("", ""))
            self._offered.discard(command_id)

    def send(self, messages: Sequence[tuple[int, Run | Cancel]]) -> None:
        """Send messages of the mailbox, each given with its execution."""
        for execution_pk, message in messages:
            if isinstance(message, Run) and message.spec is not None:
                self.gateway.commits.secrets.learn(execution_pk, secret_texts(message.spec))
            self.protocol.send(message, time.monotonic())
        self._outgoing.set()

    def send_upgrade(self, message: Upgrade) -> None:
        """Ask the agent to replace itself."""
        self.protocol.send(message, time.monotonic())
        self._outgoing.set()

    def stored(self, outcome: Outcome) -> None:
        """Acknowledge what a commit has made durable."""
        command_id = outcome.command_id
        if outcome.is_stale:
            reason = "a newer connection took over"
            self.gateway.start(self.close(limits.CLOSE_SUPERSEDED, reason))
        elif outcome.ended:
            self._unfinished.pop(command_id, None)
            self._received.drop(command_id)
            self._executions.pop(command_id, None)
            self.gateway.commits.secrets.forget([outcome.execution_pk])
            self.protocol.final_ack(command_id)
        elif outcome.has_gap or outcome.log_length > self.protocol.log_received(command_id):
            if self.session is not None:
                self.gateway.commits.drop_output(self.session, command_id)
            self._received.rewind(command_id, outcome.log_length)
            self.protocol.log_lost(command_id, outcome.log_length)
        else:
            self._acknowledge_log(outcome)
        self._outgoing.set()

    def _acknowledge_log(self, outcome: Outcome) -> None:
        self.protocol.log_durable(outcome.command_id, outcome.log_length)
        finished = self._unfinished.get(outcome.command_id)
        end = outcome.held[-1].end if outcome.held else outcome.log_length
        if finished is not None and end >= finished.bytes and self.session is not None:
            self.gateway.commits.said(self.session, outcome.execution_pk, finished)

    async def _handle(self, event: ServerEvent) -> None:
        if isinstance(event, Close):
            await self.close(event.code, event.reason)
        elif isinstance(event, Hello):
            await self._greet(event)
        elif isinstance(event, Output):
            self._store_output(event)
        elif isinstance(event, State):
            self._note_states(event)
        elif isinstance(event, Rejected) and event.code in TEMPORARY:
            self._offer_again(event.id)
        elif isinstance(event, Error):
            self._note_error(event)
        elif isinstance(event, (Accepted, Rejected, Started, Progress, Finished, CancelAck)):
            self._store_message(event)
        elif isinstance(event, UpgradeState):
            await self.gateway.note_upgrade(self.agent_pk, event)
        elif isinstance(event, Goodbye):
            log.info("agent says goodbye", agent=self.agent_pk, reason=event.reason)

    async def _greet(self, hello: Hello) -> None:
        self.session = await self.gateway.begin(self, hello)
        if self.session is None:
            await self.close(limits.CLOSE_UNAUTHORIZED, "the credential is not accepted any more")
            return
        deliveries = await self.gateway.unfinished([self.agent_pk])
        runs = {d.command_id: d for d in deliveries if d.kind == Run.KIND}
        reported = {report.id for report in hello.commands}
        self._needs_spec = {r.id for r in hello.commands if r.needs_spec and r.id in runs}
        self.protocol.welcome(
            Welcome(
                session=self.session.number,
                server_time_ms=time.time_ns() // 1_000_000,
                # Not what the agent knows nothing of: thousands may wait for it.
                resume=tuple(
                    ResumePoint(id=d.command_id, offset=d.log_length)
                    for d in runs.values()
                    if d.command_id in reported
                ),
                cancel=tuple(
                    d.command_id
                    for d in deliveries
                    if d.kind == Cancel.KIND and d.command_id in reported
                ),
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
            self._received.add(event.frame)
            self.gateway.commits.output(self.session, execution_pk, event.frame)

    def _note_states(self, event: State) -> None:
        for report in event.commands:
            if report.needs_spec:
                if report.id not in self._executions:
                    continue
                self._needs_spec.add(report.id)
                self._offer_again(report.id)
            elif report.state in {"accepted", "started", "finished"}:
                self._store_message(Accepted(id=report.id))
            elif report.state == "released" and report.id in self._executions:
                self._store_message(Finished(id=report.id, started=True, reason="lost"))
            elif report.state == "cancelled" and report.id in self._executions:
                self._store_message(Finished(id=report.id, started=False, reason="cancelled"))

    def _offer_again(self, command_id: str) -> None:
        """Let the next sweep offer a run that the agent could not take now."""
        self.not_sent([pk for pk, sent in self._sent.items() if sent == (Run.KIND, command_id)])

    def _note_error(self, event: Error) -> None:
        log.warning("an agent could not use a message", agent=self.agent_pk, code=event.code)
        if event.re == Run.KIND and event.id is not None and event.code != "not_ready":
            self._store_message(Rejected(id=event.id, code=event.code, detail=event.detail))

    def _store_message(
        self, event: Accepted | Rejected | Started | Progress | Finished | CancelAck
    ) -> None:
        execution_pk = self._executions.get(event.id)
        self._offered.discard(event.id)
        if self.session is None:
            return
        if execution_pk is None:
            # A command that this server no longer waits for: let the agent release it.
            if isinstance(event, Finished):
                self.protocol.final_ack(event.id)
            return
        if isinstance(event, Finished):
            if self._received.is_damaged(event):
                log.error("output was damaged on its way", command=event.id)
                event = replace(event, reason=DAMAGED)
            self._unfinished[event.id] = event
        self.gateway.commits.said(self.session, execution_pk, event)

    async def _read_frames(self) -> None:
        try:
            async for frame in self.socket:
                for event in self.protocol.receive(frame):
                    await self._handle(event)
                self._outgoing.set()
                await self.gateway.commits.room()
        except ConnectionClosed:
            return

    async def _send_frames(self) -> None:
        try:
            while True:
                while (frame := self.protocol.next_frame()) is not None:
                    await self.socket.send(frame)
                    failpoints.hit("gateway.sent")
                self._outgoing.clear()
                tick = self.protocol.next_tick()
                pause = None if tick is None else max(0.0, tick - time.monotonic())
                try:
                    # Not wait_for, which swallows a cancel that comes with the event.
                    async with asyncio.timeout(pause):
                        await self._outgoing.wait()
                except TimeoutError:
                    for event in self.protocol.tick(time.monotonic()):
                        await self._handle(event)
        except ConnectionClosed:
            return
