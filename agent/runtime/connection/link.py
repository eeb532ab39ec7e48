"""One session on one socket: a reader that obeys, a pump that sends control before output."""

import asyncio
import contextlib
import json
import logging
import time
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agent.contracts import limits
from agent.contracts.codec import CodecError
from agent.contracts.messages import (
    Cancel,
    Error,
    FinalAck,
    FromAgent,
    FromServer,
    GoAway,
    Goodbye,
    Hello,
    OutAck,
    Query,
    Run,
    Upgrade,
    Welcome,
)
from agent.contracts.sessions.agent import AgentSession
from agent.runtime.commands.command import Command
from agent.runtime.commands.table import CommandTable
from agent.runtime.connection.tails import Tails
from agent.runtime.upgrade.upgrader import Upgrader
from agent.runtime.waiting import wait_at_most

_log = logging.getLogger("tentacle")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a session ended: how long it was welcome, and when to come back if the server said."""

    lived_s: float
    come_back_in: float | None = None
    within: float | None = None


class Link:
    """Drive one WebSocket connection until it ends."""

    def __init__(
        self, socket: ClientConnection, table: CommandTable, upgrader: Upgrader, hello: Hello
    ) -> None:
        self._socket = socket
        self._upgrader = upgrader
        self._table = table
        self._session = AgentSession(hello)
        self._tails = Tails(self._session)
        self._wake = asyncio.Event()
        self._welcome_at: float | None = None
        self._within: float | None = None

    async def run(self, stop: asyncio.Event) -> Ended:
        """Talk until the peer closes, the connection dies, or `stop` is set."""
        pump = asyncio.create_task(self._pump())
        reader = asyncio.create_task(self._read())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({pump, reader, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                await self._leave("the agent stops", None)
        finally:
            self._table.listener = None
            self._table.on_output = None
            self._upgrader.left()
            for task in (pump, reader, stopping):
                task.cancel()
            results = await asyncio.gather(pump, reader, stopping, return_exceptions=True)
            self._tails.close()
            await self._socket.close()
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, ConnectionClosed):
                raise result
        lived = 0.0 if self._welcome_at is None else time.monotonic() - self._welcome_at
        return Ended(lived, _named_wait(self._socket), self._within)

    def _say(self, message: FromAgent) -> None:
        self._session.send(message)
        self._wake.set()

    def _output_grew(self, command: Command) -> None:
        self._tails.note(command)
        self._wake.set()

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(limits.WELCOME_TIMEOUT) as deadline:
                async for frame in self._socket:
                    for message in self._session.receive(frame):
                        if isinstance(message, Welcome):
                            deadline.reschedule(None)
                            self._welcomed(message)
                        elif isinstance(message, GoAway):
                            await self._go_away(message)
                            return
                        else:
                            self._obey(message)
                    self._wake.set()
                    if self._session.broken:
                        await self._socket.close(limits.CLOSE_BAD_FRAMES, "unusable frames")
                        return

    async def _pump(self) -> None:
        while True:
            self._wake.clear()
            while (text := self._session.next_control()) is not None:
                await self._socket.send(text)
            frame = self._tails.next_frame()
            if frame is not None:
                await self._socket.send(frame)
                continue
            if self._tails.offer_finished():
                continue
            due = self._tails.next_due()
            wait = None if due is None else max(0.0, due - time.monotonic())
            await wait_at_most(self._wake, wait)

    def _welcomed(self, welcome: Welcome) -> None:
        self._welcome_at = time.monotonic()
        _log.info("connected, session %d", welcome.session)
        self._table.journal.tombstone_s = welcome.limits.tombstone_s
        self._table.slots.resize(welcome.limits.max_running)
        self._table.listener = self._say
        self._table.on_output = self._output_grew
        # Orders to stop come before anything else, so that nothing more starts in between.
        for command_id in welcome.cancel:
            self._cancel(command_id, limits.DEFAULT_GRACE, "")
        for command_id in welcome.forget:
            self._table.forget(command_id)
        for command in list(self._table.live.values()):
            self._tails.note(command)
        self._upgrader.welcomed(self._say)

    def _obey(self, message: FromServer) -> None:
        match message:
            case Run():
                self._table.run(message)
                self._tails.repeat_finished(message.id)
            case Cancel():
                self._cancel(message.id, message.grace_s, message.reason)
            case OutAck(rewind=True):
                self._tails.rewind(message.id)
            case OutAck():
                pass
            case FinalAck():
                self._tails.drop(message.id)
                self._table.release(message.id)
            case Query():
                self._table.query(message.ids)
            case Upgrade():
                self._upgrader.request(message)
            case Error():
                _log.warning("the server could not use %s: %s", message.re, message.code)
            case _:
                pass

    def _cancel(self, command_id: str, grace_s: float, reason: str) -> None:
        try:
            self._table.cancel(command_id, grace_s, reason)
        except OSError as problem:
            # Without a tombstone on disk no acknowledgement: the server asks again.
            _log.warning("cancel of %s could not be written: %s", command_id, problem)

    async def _go_away(self, message: GoAway) -> None:
        _log.info("the server asks to come back within %g s: %s", message.after_s, message.reason)
        self._within = message.after_s
        await self._leave("goaway", message.after_s)

    async def _leave(self, reason: str, within: float | None) -> None:
        with contextlib.suppress(ConnectionClosed, CodecError):
            self._session.send(Goodbye(reason=reason, reconnect_s=within))
            while (text := self._session.next_control()) is not None:
                await self._socket.send(text)
            await self._socket.close()


def _named_wait(socket: ClientConnection) -> float | None:
    """Return the seconds in the reason of a close that says the server is busy."""
    if socket.close_code != limits.CLOSE_BUSY:
        return None
    try:
        return max(0.0, float(json.loads(socket.close_reason or "")))
    except (ValueError, TypeError):
        return None
