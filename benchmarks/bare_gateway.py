"""A gateway that keeps nothing: the frames of a thousand commands and TLS, and nothing else.

`bare_gateway` runs one in another process. It is what a gateway in Python costs at least, to be
compared with the real one that stores each command, its output and its result.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop
from websockets.asyncio.server import ServerConnection, serve

from agent.contracts.messages import Finished, Hello, Run, Welcome
from agent.contracts.sessions.server import ServerSession
from agent.contracts.spec import spec_hash
from benchmarks.lab import cpu_of_session

# About as large as what a script with the variables of a small project gets.
_SPEC = {"variables": [[f"Octopus.Variable.{n}", "x" * 40, False] for n in range(60)]}
_HASH = spec_hash(_SPEC)


class _Bare:
    def __init__(self) -> None:
        self._sessions: dict[ServerConnection, ServerSession] = {}

    async def serve(self, socket: ServerConnection) -> None:
        """Greet an agent, and release each of its commands as soon as it has finished."""
        session = ServerSession(time.monotonic())
        async for frame in socket:
            for event in session.receive(frame):
                if isinstance(event, Hello):
                    session.welcome(Welcome(session=1, server_time_ms=0))
                    self._sessions[socket] = session
                elif isinstance(event, Finished):
                    session.final_ack(event.id)
            await _send_all(session, socket)
        self._sessions.pop(socket, None)

    async def command_all(self) -> None:
        """Send every agent one command."""
        for socket, session in list(self._sessions.items()):
            run = Run(id=str(uuid.uuid4()), kind="script", spec_hash=_HASH, spec=_SPEC)
            session.send(run, time.monotonic())
            await _send_all(session, socket)


async def _send_all(session: ServerSession, socket: ServerConnection) -> None:
    while (frame := session.next_frame()) is not None:
        await socket.send(frame)


class BareGateway:
    """One in another process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def command_all(self) -> None:
        """Have it send every agent one command."""
        if self._process.stdin is None:
            raise RuntimeError("the gateway has no pipe")
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used until now."""
        return cpu_of_session(self._process.pid)


@contextmanager
def bare_gateway(port: int) -> Iterator[BareGateway]:
    """Run one in another process until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare_gateway", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        if process.stdout is not None:
            process.stdout.readline()
        yield BareGateway(process)
    finally:
        process.kill()
        process.communicate()


async def _main(port: int) -> None:
    from deployments.infrastructure.services.gateway_certificate import (  # noqa: PLC0415 Django
        server_context,
    )

    bare, loop = _Bare(), asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    context = await asyncio.to_thread(server_context)
    async with serve(bare.serve, "127.0.0.1", port, ssl=context, compression=None, backlog=4096):
        print("listening", flush=True)
        while await reader.readline():
            await bare.command_all()


if __name__ == "__main__":
    import django

    django.setup()
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_main(int(sys.argv[1])))
