"""The spawner: a small single-threaded child of the daemon that starts a runner per command.

It is forked before the daemon loads its event loop, so a fork costs little and carries nothing of
the daemon's. It dies with its socket; runners are sessions of their own and go on.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from agent.runtime import failpoints, platform

RunCommand = Callable[[Path, Any], None]
REQUEST = struct.Struct(">II")  # lengths of the folder name and of the spec
REPLY = struct.Struct(">i")  # process id of the runner, or 0 when it could not be forked
_QUIET_MS = 250
# Only for the throw-away folder of a warm-up, which need not reach a disk.
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SECRET_SETTINGS = ("TENTACLE_API_KEY", "TENTACLE_TOKEN")


def fork_spawner() -> socket.socket:
    """Fork the spawner from a process without threads; return the daemon's end."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        code = 1
        try:
            ours.close()
            serve(theirs)
            code = 0
        finally:
            os._exit(code)
    theirs.close()
    return ours


def execute_spawner() -> socket.socket:
    """Start a spawner as a new program, for a daemon that already has threads."""
    ours, theirs = socket.socketpair()
    root = str(Path(__file__).parents[2])
    code = (
        f"import sys; sys.path.insert(0, {root!r}); "
        f"from agent.runtime.spawner import main; main({theirs.fileno()})"
    )
    os.set_inheritable(theirs.fileno(), True)
    os.posix_spawn(sys.executable, [sys.executable, "-I", "-c", code], dict(os.environ))
    theirs.close()
    return ours


def main(descriptor: int) -> None:
    """Serve on an inherited socket until the daemon is gone."""
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    serve(connection)


def serve(connection: socket.socket) -> None:
    """Start a runner for every request until the daemon closes its end."""
    for setting in _SECRET_SETTINGS:
        os.environ.pop(setting, None)
    # The daemon's end of a stop reaches the whole group; the end of the socket is our signal.
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Loaded once here instead of once in every runner.
    import agent.runtime.runner.main  # noqa: PLC0415

    gc.collect()
    gc.freeze()
    _Zygote(connection, agent.runtime.runner.main.run_command).serve()


class _Zygote:
    """Keeps one spare runner ready, because most of a fork's cost is memory copied afterwards."""

    def __init__(self, connection: socket.socket, run_command: RunCommand) -> None:
        self._connection = connection
        self._run_command = run_command
        self._spare: socket.socket | None = None
        self._spare_pid = 0

    def serve(self) -> None:
        ready = select.poll()
        ready.register(self._connection, select.POLLIN)
        while True:
            # A new spare is made when it is quiet, not in the way of a command that starts.
            if not ready.poll(_QUIET_MS if self._spare is None else None):
                self._make_spare()
                continue
            request = _receive_request(self._connection)
            if request is None:
                return
            child = self._use_spare(request) or self._fork_runner(request)
            with contextlib.suppress(OSError):
                self._connection.sendall(REPLY.pack(child))

    def _use_spare(self, request: bytes) -> int:
        spare, self._spare = self._spare, None
        if spare is None:
            return 0
        with contextlib.suppress(OSError), spare:
            spare.sendall(request)
            return self._spare_pid
        return 0

    def _fork_runner(self, request: bytes) -> int:
        try:
            child = os.fork()
        except OSError:
            return 0
        if child == 0:
            self._connection.close()
            _become_runner(lambda: request, self._run_command)
        return child

    def _make_spare(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            self._spare_pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            time.sleep(1)
            return
        if self._spare_pid == 0:
            self._connection.close()
            ours.close()

            def wait() -> bytes | None:
                _warm_up(self._run_command)
                return _receive_request(theirs)

            _become_runner(wait, self._run_command)
        theirs.close()
        self._spare = ours


def _become_runner(wait: Callable[[], bytes | None], run_command: RunCommand) -> NoReturn:
    code = 70
    folder = None
    try:
        os.setsid()
        # Blocked until the runner has its handlers, which unblock them: a stop that comes before
        # must not kill a command that counts as started.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        for number in (signal.SIGCHLD, *_STOPS):
            signal.signal(number, signal.SIG_DFL)
        _detach()
        request = wait()
        if request is not None:
            name_length, _ = REQUEST.unpack_from(request)
            body = REQUEST.size + name_length
            folder = Path(os.fsdecode(request[REQUEST.size : body]))
            failpoints.hit("runner")
            platform.own_group(folder.name)
            run_command(folder, json.loads(request[body:]))
        code = 0
    except BaseException as problem:  # noqa: BLE001
        # Frames and type only: the text of an exception may quote a value.
        frames = "".join(traceback.format_tb(problem.__traceback__))
        if folder is not None:
            with contextlib.suppress(OSError):
                (folder / "runner.log").write_text(f"{frames}{type(problem).__name__}\n")
    finally:
        os._exit(code)


def _warm_up(run_command: RunCommand) -> None:
    """Go through a command of no known kind, so that the memory it needs is this process's own."""
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        run_command(Path(folder), {"variables": [["Warm", "up", False]]})
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)


def _detach() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if null > 2:  # noqa: PLR2004
        os.close(null)


def _receive_request(connection: socket.socket) -> bytes | None:
    header = _receive(connection, REQUEST.size)
    if header is None:
        return None
    body = _receive(connection, sum(REQUEST.unpack(header)))
    return None if body is None else header + body


def _receive(connection: socket.socket, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        try:
            part = connection.recv(min(length - len(parts), 1 << 20))
        except OSError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)
