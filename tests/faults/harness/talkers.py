"""Virtual agents that talk for a while: numbered lines, kept until the server has them.

`python -m tests.faults.harness.talkers` is a fleet of them for `fleet_process`.
"""

import asyncio
import contextlib
import hashlib
import time
from dataclasses import dataclass, field, replace
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from agent.contracts.messages import (
    Accepted,
    CommandReport,
    FinalAck,
    Finished,
    Hello,
    OutAck,
    Run,
)
from agent.contracts.out_frame import STDOUT, OutFrame
from agent.contracts.sessions.agent import AgentSession
from benchmarks.virtual_agents import VirtualAgent, answer_questions, send_control

LINES = 120
PAUSE = 0.2


def line_of(agent: int, number: int) -> bytes:
    """Return what an agent prints as its line of this number."""
    return b"agent %04d says line %04d\n" % (agent, number)


def printed_by(agent: int) -> bytes:
    """Return all that an agent prints in one command."""
    return b"".join(line_of(agent, number) for number in range(1, LINES + 1))


@dataclass
class _Talk:
    """The output of one command, as a spool on a disk would have it."""

    frames: list[OutFrame] = field(default_factory=list)
    finished: Finished | None = None
    is_told: bool = False

    @property
    def size(self) -> int:
        return self.frames[-1].end if self.frames else 0


class Talker(VirtualAgent):
    """An agent whose scripts go on while nobody is connected."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._talks: dict[str, _Talk] = {}
        self._scripts: set[asyncio.Task[None]] = set()
        self._link: tuple[AgentSession, ClientConnection] | None = None
        self._sending = asyncio.Lock()

    async def welcomed(self, session: AgentSession, socket: ClientConnection) -> None:
        """Go on where the server's log ends, and say every end again."""
        self._link = session, socket
        for talk in self._talks.values():
            talk.is_told = False
        await self._bring()

    def hello(self) -> Hello:
        """Name every command that the server has not released."""
        reports = [
            CommandReport(
                id=command, state="finished" if talk.finished else "started", offset=talk.size
            )
            for command, talk in self._talks.items()
            if talk.frames
        ]
        return replace(super().hello(), commands=tuple(reports))

    async def obey(self, message: Any, session: AgentSession, socket: ClientConnection) -> None:
        """Start a command once, however often it comes."""
        if isinstance(message, Run):
            session.send(Accepted(id=message.id))
            if message.id not in self._talks:
                self.fleet.statistics.runs += 1
                self._talks[message.id] = _Talk()
                script = asyncio.create_task(self._talk(message.id))
                self._scripts.add(script)
                script.add_done_callback(self._scripts.discard)
        else:
            await super().obey(message, session, socket)
        if isinstance(message, FinalAck):
            self._talks[message.id] = _Talk(is_told=True)
        elif isinstance(message, OutAck):
            await self._bring()

    async def _talk(self, command: str) -> None:
        talk = self._talks[command]
        for number in range(1, LINES + 1):
            payload = line_of(self.number, number)
            now = time.time_ns() // 1_000_000
            talk.frames.append(
                OutFrame(id=command, stream=STDOUT, offset=talk.size, time_ms=now, payload=payload)
            )
            await self._bring()
            await asyncio.sleep(PAUSE)
        talk.finished = Finished(
            id=command,
            started=True,
            exit=0,
            bytes=talk.size,
            sha256=hashlib.sha256(printed_by(self.number)).hexdigest(),
            duration_ms=int(LINES * PAUSE * 1000),
        )
        await self._bring()

    async def _bring(self) -> None:
        """Send what the windows allow; what a broken connection takes is sent on the next one."""
        async with self._sending:
            if self._link is None:
                return
            session, socket = self._link
            try:
                for command, talk in list(self._talks.items()):
                    await self._bring_one(command, talk, session, socket)
                await send_control(session, socket)
            except (OSError, WebSocketException):
                self._link = None

    async def _bring_one(
        self, command: str, talk: _Talk, session: AgentSession, socket: ClientConnection
    ) -> None:
        for frame in list(talk.frames):
            position = session.log_position(command)
            if frame.end <= position:
                continue
            part = frame.after(position)
            if session.log_room(command) < len(part.payload):
                return
            await socket.send(session.log_frame(part))
        if talk.finished and not talk.is_told:
            talk.is_told = session.send_finished(talk.finished)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(answer_questions(Talker))
