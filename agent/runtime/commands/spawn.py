"""The daemon's end of the spawner."""

import asyncio
import contextlib
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from agent.runtime.runner.life import REPLY, REQUEST
from agent.runtime.spawner import execute_spawner


class SpawnFailed(Exception):
    """No runner was started by this request."""


class Spawner:
    """Ask the spawner for runners, one request at a time; replace it when it has died."""

    def __init__(self, connection: socket.socket | None) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()
        if connection is not None:
            connection.setblocking(False)

    async def spawn(self, folder: Path, header: dict[str, Any], spec: dict[str, Any]) -> int:
        """Start a runner and return its process id; SpawnFailed when it cannot be.

        A request whose answer is lost may still start a runner: the `started` file decides.
        """
        order = json.dumps({"header": header, "spec": spec}).encode()
        async with self._turn:
            for _ in range(2):
                if self._connection is None:
                    self._connection = execute_spawner()
                    self._connection.setblocking(False)
                try:
                    child = await self._request(self._connection, os.fsencode(folder), order)
                except OSError:
                    self.close()
                else:
                    if child:
                        return child
                    raise SpawnFailed("the system cannot start another process")
            raise SpawnFailed("the spawner does not answer")

    def close(self) -> None:
        """Let the spawner end."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None

    async def _request(self, connection: socket.socket, name: bytes, order: bytes) -> int:
        loop = asyncio.get_running_loop()
        header = REQUEST.pack(time.monotonic(), len(name), len(order))
        await loop.sock_sendall(connection, header + name + order)
        reply = b""
        while len(reply) < REPLY.size:
            part = await loop.sock_recv(connection, REPLY.size - len(reply))
            if not part:
                raise ConnectionResetError("the spawner is gone")
            reply += part
        child: int = REPLY.unpack(reply)[0]
        return child
