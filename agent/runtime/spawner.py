"""The spawner: a small single-threaded child of the daemon that starts a runner per command.

It is forked before the daemon loads its event loop, so a fork costs little and carries nothing of
the daemon's. It dies with its socket; runners are sessions of their own and go on.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

from agent.runtime import platform
from agent.runtime.runner.life import (
    FREE,
    REPLY,
    REQUEST,
    STOPS,
    RunCommand,
    become_runner,
    receive_request,
)

_QUIET_MS = 2000
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
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Loaded once here instead of once in every runner.
    import agent.runtime.runner.main  # noqa: PLC0415

    platform.own_control_group()
    gc.collect()
    gc.freeze()
    _Zygote(connection, agent.runtime.runner.main.run_command).serve()


class _Runner:
    """A runner process: busy, or free since a moment of the monotonic clock."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.connection = connection
        self.pid = pid
        self.free_since = 0.0


class _Zygote:
    """Keeps one spare runner ready, because most of a fork's cost is memory copied afterwards.

    A runner that has ended its command and left nothing behind becomes the next spare one.
    """

    def __init__(self, connection: socket.socket, run_command: RunCommand) -> None:
        self._connection = connection
        self._run_command = run_command
        self._spare: _Runner | None = None
        self._runners: dict[int, _Runner] = {}
        self._ready = select.poll()
        self._ready.register(connection, select.POLLIN)

    def serve(self) -> None:
        while True:
            # A new spare is made when it is quiet, not in the way of a command that starts.
            events = self._ready.poll(_QUIET_MS if self._spare is None else None)
            if not events:
                self._make_spare()
                continue
            ready = {descriptor for descriptor, _ in events}
            for descriptor in ready & self._runners.keys():
                self._hear(self._runners[descriptor])
            if self._connection.fileno() in ready and not self._answer():
                return

    def _answer(self) -> bool:
        """Start what the daemon asks for; False when the daemon is gone."""
        request = receive_request(self._connection)
        if request is None:
            return False
        child = self._use_spare(request) or self._use_new(request)
        with contextlib.suppress(OSError):
            self._connection.sendall(REPLY.pack(child))
        return True

    def _hear(self, runner: _Runner) -> None:
        """Take a runner back that is free, unless there is a spare one; forget one that ended."""
        with contextlib.suppress(OSError):
            told = runner.connection.recv(FREE.size)
            if len(told) == FREE.size and self._spare is None:
                (runner.free_since,) = FREE.unpack(told)
                self._spare = runner
                return
        self._dismiss(runner)

    def _use_spare(self, request: bytes) -> int:
        spare = self._spare
        # A daemon that still held a runner's earlier command for running, when it sent this
        # request, might yet signal that runner.
        if spare is None or spare.free_since >= REQUEST.unpack_from(request)[0]:
            return 0
        self._spare = None
        return self._hand_over(spare, request)

    def _use_new(self, request: bytes) -> int:
        runner = self._fork(warm=False)
        return 0 if runner is None else self._hand_over(runner, request)

    def _hand_over(self, runner: _Runner, request: bytes) -> int:
        try:
            runner.connection.sendall(request)
        except OSError:
            self._dismiss(runner)
            return 0
        return runner.pid

    def _make_spare(self) -> None:
        self._spare = self._fork(warm=True)
        if self._spare is None:
            time.sleep(1)

    def _fork(self, *, warm: bool) -> _Runner | None:
        ours, theirs = socket.socketpair()
        try:
            child = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            return None
        if child == 0:
            for connection in (self._connection, ours, *self._connections()):
                connection.close()
            become_runner(theirs, self._run_command, warm=warm)
        theirs.close()
        runner = self._runners[ours.fileno()] = _Runner(ours, child)
        self._ready.register(ours, select.POLLIN)
        return runner

    def _dismiss(self, runner: _Runner) -> None:
        if runner is self._spare:
            self._spare = None
        self._ready.unregister(runner.connection)
        del self._runners[runner.connection.fileno()]
        runner.connection.close()

    def _connections(self) -> list[socket.socket]:
        return [runner.connection for runner in self._runners.values()]
