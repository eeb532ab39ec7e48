"""Agents without machines: many in one process, each speaking the real protocol over real TLS.

`Fleet` is for an event loop of one's own; `fleet_process` runs one in another process, which is
asked for its statistics line by line.
"""

import asyncio
import contextlib
import hashlib
import json
import random
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from agent.contracts import limits
from agent.contracts.messages import (
    Accepted,
    Cancel,
    CancelAck,
    FinalAck,
    Finished,
    GoAway,
    Hello,
    Run,
    Welcome,
)
from agent.contracts.out_frame import RECORD, STDOUT, OutFrame
from agent.contracts.sessions.agent import AgentSession
from agent.runtime.connection.backoff import Backoff
from agent.runtime.tls import pinned_context

_PATH = "/agent/v1/connect"
_PHASE = b'{"t":"phase","name":"Run script","state":"started"}'
_OUTPUT = b"hi\n"
# So many dial at once; others wait, as they would on machines of their own.
_DIALING = 50


@dataclass
class Statistics:
    """What a fleet has seen since it was started or last reset; times as time.time()."""

    connected: int = 0
    welcomes: int = 0
    drops: int = 0
    most_drops: int = 0
    refused: int = 0
    runs: int = 0
    repeats: int = 0
    acknowledged: int = 0
    first_run: float = 0.0
    last_acknowledged: float = 0.0
    drops_of: dict[int, int] = field(default_factory=dict, repr=False)

    def dropped(self, agent: int) -> None:
        """Count one lost connection."""
        self.drops += 1
        self.drops_of[agent] = self.drops_of.get(agent, 0) + 1
        self.most_drops = max(self.most_drops, self.drops_of[agent])


class VirtualAgent:
    """One agent: it takes every command, says "hi", succeeds, and keeps the result until acked."""

    def __init__(self, fleet: "Fleet", number: int, credential: str) -> None:
        self.fleet = fleet
        self.number = number
        self._credential = credential
        self._backoff = Backoff()
        self._unacknowledged: dict[str, Finished] = {}
        self._known: set[str] = set()

    async def run(self) -> None:
        """Connect and serve, again and again."""
        while True:
            began, wait = time.monotonic(), None
            within: float | None = None
            try:
                async with self.fleet.dialing:
                    socket = await self._dial()
            except InvalidStatus as refused:
                self.fleet.statistics.refused += 1
                wait = float(refused.response.headers.get("Retry-After", 1))
            except (OSError, TimeoutError, InvalidHandshake, WebSocketException):
                self.fleet.statistics.refused += 1
            else:
                within = await self._serve(socket)
            delay = self._backoff.next_delay(time.monotonic() - began, wait)
            await asyncio.sleep(delay if within is None else random.uniform(0, within))

    async def _dial(self) -> ClientConnection:
        return await connect(
            self.fleet.url + _PATH,
            additional_headers={"Authorization": f"Bearer {self._credential}"},
            ssl=self.fleet.context,
            proxy=None,
            compression=None,
            open_timeout=limits.OPEN_TIMEOUT,
            ping_interval=limits.PING_INTERVAL,
            ping_timeout=limits.PING_TIMEOUT,
            close_timeout=limits.CLOSE_TIMEOUT,
            max_size=limits.MAX_FRAME,
        )

    async def _serve(self, socket: ClientConnection) -> float | None:
        """Speak until the connection ends; return within what time the server wants it back."""
        session = AgentSession(self.hello())
        statistics = self.fleet.statistics
        come_back: float | None = None
        is_welcome = False
        try:
            await send_control(session, socket)
            async for frame in socket:
                for message in session.receive(frame):
                    if isinstance(message, Welcome):
                        is_welcome = True
                        statistics = self.fleet.statistics
                        statistics.connected += 1
                        statistics.welcomes += 1
                        await self.welcomed(session, socket)
                    elif isinstance(message, GoAway):
                        come_back = message.after_s
                    else:
                        await self.obey(message, session, socket)
                await send_control(session, socket)
                if come_back is not None:
                    break
        except (OSError, WebSocketException):
            pass
        finally:
            if is_welcome:
                self.fleet.statistics.connected -= 1
                self.fleet.statistics.dropped(self.number)
            await socket.close()
        return come_back

    async def obey(self, message: Any, session: AgentSession, socket: ClientConnection) -> None:
        """Do what the server has sent."""
        statistics = self.fleet.statistics
        if isinstance(message, Run):
            # A server that waits for the answer says it again: that is not a second command.
            if message.id in self._known:
                statistics.repeats += 1
            else:
                self._known.add(message.id)
                statistics.runs += 1
            statistics.first_run = statistics.first_run or time.time()
            session.send(Accepted(id=message.id))
            await send_control(session, socket)
            await self._say(message.id, session, socket)
        elif isinstance(message, FinalAck):
            if self._unacknowledged.pop(message.id, None):
                statistics.acknowledged += 1
                statistics.last_acknowledged = time.time()
        elif isinstance(message, Cancel):
            session.send(CancelAck(id=message.id, state="already_finished"))

    async def _say(self, command: str, session: AgentSession, socket: ClientConnection) -> None:
        """Send what the server has not, then the end; a command may come twice."""
        offset = 0
        now = time.time_ns() // 1_000_000
        for stream, payload in ((RECORD, _PHASE), (STDOUT, _OUTPUT)):
            if offset == session.log_position(command):
                frame = OutFrame(
                    id=command, stream=stream, offset=offset, time_ms=now, payload=payload
                )
                await socket.send(session.log_frame(frame))
            offset += len(payload)
        finished = Finished(
            id=command, started=True, exit=0, bytes=offset, sha256=_DIGEST, duration_ms=1
        )
        self._unacknowledged[command] = finished
        session.send_finished(finished)
        await send_control(session, socket)

    async def welcomed(self, session: AgentSession, socket: ClientConnection) -> None:
        """Say the results again that nobody has acknowledged."""
        for command in list(self._unacknowledged):
            await self._say(command, session, socket)

    def hello(self) -> Hello:
        """Say who this is."""
        return Hello(
            protocols=limits.SUPPORTED_PROTOCOLS,
            agent_version="virtual",
            boot_id=f"virtual {self.number}",
            os="linux",
            architecture="none",
            hostname=f"virtual-{self.number}",
            shells=("bash",),
            capabilities=("script",),
            capacity=limits.MAX_RUNNING,
        )


class Fleet:
    """Virtual agents in this event loop. `thumbprint` is the pin of the gateway's certificate."""

    def __init__(
        self,
        url: str,
        thumbprint: str,
        credentials: Sequence[str],
        *,
        kind: type[VirtualAgent] = VirtualAgent,
    ) -> None:
        self.url = url
        self.context: ssl.SSLContext = pinned_context(thumbprint)
        self.statistics = Statistics()
        self.dialing = asyncio.Semaphore(_DIALING)
        self._agents = [kind(self, n, text) for n, text in enumerate(credentials)]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, count: int | None = None) -> None:
        """Let so many more agents connect; all that are left when not told."""
        first = len(self._tasks)
        last = len(self._agents) if count is None else first + count
        self._tasks += [asyncio.create_task(a.run()) for a in self._agents[first:last]]

    def reset(self) -> None:
        """Forget what was counted, except who is connected."""
        self.statistics = Statistics(connected=self.statistics.connected)

    async def stop(self) -> None:
        """End all agents."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class FleetProcess:
    """A fleet in a process of its own, asked over its standard input."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def start(self, count: int) -> None:
        """Let so many more agents connect."""
        self._ask(f"start {count}")

    def statistics(self) -> Statistics:
        """Return what the fleet has seen."""
        return Statistics(**self._ask("statistics"))

    def reset(self) -> None:
        """Forget what was counted."""
        self._ask("reset")

    def wait_for(self, name: str, count: int, *, within: float) -> float:
        """Wait until a counter has reached a number; return the seconds. Raises TimeoutError."""
        began = time.monotonic()
        while (found := getattr(self.statistics(), name)) < count:
            if time.monotonic() - began > within:
                raise TimeoutError(f"{name}: {found} of {count} within {within:.0f} s")
            time.sleep(0.05)
        return time.monotonic() - began

    def _ask(self, question: str) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the fleet has no pipes")
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the fleet has ended")
        return json.loads(answer)


@contextmanager
def fleet_process(
    url: str, thumbprint: str, credentials: Sequence[str], module: str = "benchmarks.virtual_agents"
) -> Iterator[FleetProcess]:
    """Run a fleet in another process; no agent connects before it is started.

    `module` is what the process runs: it calls `answer_questions` with its kind of agents.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdin is not None:
            process.stdin.write(json.dumps([url, thumbprint, list(credentials)]) + "\n")
            process.stdin.flush()
        yield FleetProcess(process)
    finally:
        process.kill()
        process.communicate()


_DIGEST = hashlib.sha256(_PHASE + _OUTPUT).hexdigest()


async def send_control(session: AgentSession, socket: ClientConnection) -> None:
    """Send every control message that waits."""
    while (text := session.next_control()) is not None:
        await socket.send(text)


async def answer_questions(kind: type[VirtualAgent] = VirtualAgent) -> None:
    """Run a fleet of these agents, and do what standard input asks for."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    fleet = Fleet(*json.loads(await reader.readline()), kind=kind)
    while question := (await reader.readline()).decode().split():
        answer: Any = {}
        if question[0] == "start":
            fleet.start(int(question[1]))
        elif question[0] == "reset":
            fleet.reset()
        else:
            answer = {**asdict(fleet.statistics), "drops_of": {}}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(answer_questions())
