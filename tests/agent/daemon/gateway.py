"""A small gateway of the tests' own: real sockets, the real server session, memory for a store."""

import asyncio
import contextlib
import hashlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from agent.contracts.messages import (
    Accepted,
    Finished,
    FromServer,
    Hello,
    ResumePoint,
    Run,
    SessionLimits,
    Welcome,
)
from agent.contracts.sessions.server import Output, ServerEvent, ServerSession
from agent.contracts.spec import spec_hash
from agent.contracts.uuid7 import uuid7
from agent.runtime import config
from agent.runtime.config import AgentConfig
from tests.support.processes import free_port

CREDENTIAL = "c" * 64
E = TypeVar("E")


class Gateway:
    """Remember what agents say; store output at once and acknowledge ends unless told not to."""

    def __init__(self) -> None:
        self.port = 0
        self.events: list[ServerEvent] = []
        self.frames: list[str] = []
        self.headers: list[str] = []
        self.logs: dict[str, bytearray] = defaultdict(bytearray)
        self.streams: dict[str, dict[int, bytes]] = defaultdict(lambda: defaultdict(bytes))
        self.known: set[str] = set()
        self.store = True
        self.final = True
        self.limits = SessionLimits()
        self.cancel: tuple[str, ...] = ()
        self.forget: tuple[str, ...] = ()
        self.sessions = 0
        self._news = asyncio.Condition()
        self._session: ServerSession | None = None
        self._socket: ServerConnection | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.headers.append(socket.request.headers["Authorization"])
        session = ServerSession(time.monotonic())
        ticker = asyncio.create_task(self._tick(session, socket))
        try:
            async for frame in socket:
                if isinstance(frame, str):
                    self.frames.append(frame)
                for event in session.receive(frame):
                    self._handle(session, socket, event)
                    async with self._news:
                        self.events.append(event)
                        self._news.notify_all()
                await self._flush(session, socket)
        except ConnectionClosed:
            pass
        finally:
            ticker.cancel()

    async def send(self, message: FromServer) -> None:
        """Send a message on the current session."""
        assert self._session is not None
        assert self._socket is not None
        if isinstance(message, Run):
            self.known.add(message.id)
        self._session.send(message, time.monotonic())
        await self._flush(self._session, self._socket)

    @property
    def is_open(self) -> bool:
        return self._socket is not None and self._socket.state is State.OPEN

    async def send_or_lose(self, message: FromServer) -> None:
        """Send a message unless the connection ends meanwhile."""
        with contextlib.suppress(ConnectionClosed):
            await self.send(message)

    async def send_text(self, text: str) -> None:
        """Send a frame as it is."""
        assert self._socket is not None
        await self._socket.send(text)

    async def release_log(self, command_id: str) -> None:
        """Acknowledge all output stored so far."""
        assert self._session is not None
        assert self._socket is not None
        self._session.log_durable(command_id, len(self.logs[command_id]))
        await self._flush(self._session, self._socket)

    async def lose_log(self, command_id: str, length: int) -> None:
        """Cut the stored output and ask for the rest again."""
        assert self._session is not None
        assert self._socket is not None
        del self.logs[command_id][length:]
        self.streams[command_id].clear()
        self._session.log_lost(command_id, length)
        await self._flush(self._session, self._socket)

    async def drop(self, code: int = 1001, reason: str = "") -> None:
        """Close the current socket."""
        assert self._socket is not None
        await self._socket.close(code, reason)

    async def wait(
        self,
        kind: type[E],
        when: Callable[[E], bool] = lambda _event: True,
        *,
        count: int = 1,
        seconds: float = 60.0,
    ) -> E:
        """Return the count-th event of a kind for which `when` holds; TimeoutError if none came."""

        def found() -> list[E]:
            return [event for event in self.events if isinstance(event, kind) and when(event)]

        async with asyncio.timeout(seconds), self._news:
            while len(found()) < count:
                await self._news.wait()
        return found()[count - 1]

    async def finished(self, command_id: str, seconds: float = 60.0) -> Finished:
        """Return the result of a command."""
        return await self.wait(Finished, lambda event: event.id == command_id, seconds=seconds)

    def of_kind(self, kind: type[E]) -> list[E]:
        """Return all events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def check_log(self, finished: Finished) -> None:
        """Compare the stored log with what the runner counted and hashed."""
        log = bytes(self.logs[finished.id])
        assert len(log) == finished.bytes
        assert hashlib.sha256(log).hexdigest() == finished.sha256

    def _handle(self, session: ServerSession, socket: ServerConnection, event: ServerEvent) -> None:
        if isinstance(event, Hello):
            self._session, self._socket = session, socket
            self.sessions += 1
            points = tuple(
                ResumePoint(id=report.id, offset=len(self.logs[report.id]))
                for report in event.commands
            )
            session.welcome(
                Welcome(
                    session=self.sessions,
                    resume=points,
                    limits=self.limits,
                    cancel=self.cancel,
                    forget=self.forget,
                )
            )
        elif isinstance(event, Output):
            frame = event.frame
            assert frame.offset == len(self.logs[frame.id])
            self.logs[frame.id] += frame.payload
            self.streams[frame.id][frame.stream] += frame.payload
            if self.store:
                session.log_durable(frame.id, len(self.logs[frame.id]))
        elif isinstance(event, Finished) and self.final:
            assert len(self.logs[event.id]) == event.bytes
            session.final_ack(event.id)

    async def _flush(self, session: ServerSession, socket: ServerConnection) -> None:
        while (text := session.next_frame()) is not None:
            await socket.send(text)

    async def _tick(self, session: ServerSession, socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(0.2)
                session.tick(time.monotonic())
                await self._flush(session, socket)


@contextlib.asynccontextmanager
async def open_gateway(
    host: str = "127.0.0.1", port: int = 0, **options: Any
) -> AsyncIterator[Gateway]:
    """Listen on a free port of this machine."""
    gateway = Gateway()
    gateway.port = port or free_port()
    async with serve(gateway.serve, host, gateway.port, compression=None, **options):
        yield gateway


class Daemon:
    """A real `tentacle run` process on a state folder."""

    def __init__(
        self, home: Path, gateway_url: str, *, program: Path | None = None, **settings: Any
    ) -> None:
        self.home = home
        self._program = ["-m", "agent.runtime.cli"] if program is None else ["-I", str(program)]
        values = {
            "name": "web-1",
            "server_url": gateway_url.replace("ws", "http", 1),
            "gateway_url": gateway_url,
            "machine_id": "Machines-1",
        }
        config.save(home, AgentConfig(**{**values, **settings}), CREDENTIAL)
        self._process: asyncio.subprocess.Process | None = None
        self.wrapper: tuple[str, ...] = ()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, failpoints: str = "") -> None:
        """Start the program; it writes its log to daemon.log in the state folder."""
        environment = {**os.environ, "OCTOPUS_FAILPOINTS": failpoints}
        with (self.home / "daemon.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.wrapper,
                *(sys.executable, *self._program, "run", "--home", str(self.home)),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stderr=log,
            )

    async def kill(self) -> None:
        """Send SIGKILL and wait."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def died(self, seconds: float = 60.0) -> int:
        """Wait for the process to end by itself and return its code."""
        assert self._process is not None
        async with asyncio.timeout(seconds):
            return await self._process.wait()

    async def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        return await self.died()

    def log(self) -> str:
        return (self.home / "daemon.log").read_text()


def script(body: str, **fields: Any) -> Run:
    """Describe a bash script as a command."""
    spec: dict[str, Any] = {
        "variables": [
            ["Octopus.Action.Script.Syntax", "Bash", False],
            ["Octopus.Action.Script.ScriptBody", body, False],
        ],
        "packages": [],
        "mask": [],
    }
    spec.update(fields.pop("extra", {}))
    run = Run(
        id=uuid7(time.time_ns() // 1_000_000),
        kind="script",
        spec_hash=spec_hash(spec),
        spec=spec,
        ttl_s=60.0,
        deadline_s=60.0,
        grace_s=1.0,
    )
    return replace(run, **fields)


def witness(folder: Path) -> str:
    """Return bash lines that note one start outside the system."""
    return f"echo start >> {folder / 'witness'}\n"


def waiting_for(path: Path) -> str:
    """Return bash lines that wait until a test makes a file."""
    return f"until [ -e {path} ]; do sleep 0.05; done\n"


def turn(log: Path, *, at_least: int = 1) -> str:
    """Return bash lines that note begin and end of a turn, with so many begun by all in between."""
    begun = f"until [ $(grep -c + {log}) -ge {at_least} ]; do sleep 0.05; done"
    return f"echo + >> {log}\n{begun}\nsleep 0.4\necho - >> {log}\n"


async def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that other processes bring about; TimeoutError if it does not come."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 no event of ours announces it
            await asyncio.sleep(0.05)


def names_in(folder: Path) -> set[str]:
    """Return the names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


def proc_text(pid: int, name: str) -> str:
    """Return a file of a process's entry in /proc."""
    return Path(f"/proc/{pid}/{name}").read_text()


def starts(folder: Path) -> int:
    """Count the noted starts."""
    path = folder / "witness"
    return len(path.read_text().splitlines()) if path.exists() else 0


async def run_to_end(gateway: Gateway, run: Run) -> Finished:
    """Run a command and return its result, its log compared."""
    await gateway.send(run)
    await gateway.wait(Accepted, lambda event: event.id == run.id)
    finished = await gateway.finished(run.id)
    gateway.check_log(finished)
    return finished


def records(gateway: Gateway, command_id: str) -> list[Any]:
    """Return the decoded records of a command's third stream."""
    text = gateway.streams[command_id][3].decode()
    decoder = json.JSONDecoder()
    found = []
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found
