"""The spawner: a small single-threaded child of the daemon that forks a runner per command.

It is forked before the daemon loads its event loop, so a fork costs little and carries nothing of
the daemon's. It dies with its socket; runners are sessions of their own and go on.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

REQUEST = struct.Struct(">II")  # lengths of the folder name and of the spec
REPLY = struct.Struct(">i")  # process id of the runner, or 0 when it could not be forked
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
    """Fork a runner for every request until the daemon closes its end."""
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
    run_command = agent.runtime.runner.main.run_command
    while True:
        header = _receive(connection, REQUEST.size)
        if header is None:
            return
        name_length, spec_length = REQUEST.unpack(header)
        name = _receive(connection, name_length)
        spec = _receive(connection, spec_length)
        if name is None or spec is None:
            return
        try:
            child = os.fork()
        except OSError:
            child = -1
        if child == 0:
            connection.close()
            _become_runner(Path(os.fsdecode(name)), spec, run_command)
        del spec
        with contextlib.suppress(OSError):
            connection.sendall(REPLY.pack(max(child, 0)))


def _become_runner(folder: Path, spec: bytes, run_command: Callable[[Path, Any], None]) -> None:
    code = 70
    try:
        os.setsid()
        # Blocked until the runner has its handlers, which unblock them: a stop that comes before
        # must not kill a command that counts as started.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        for number in (signal.SIGCHLD, *_STOPS):
            signal.signal(number, signal.SIG_DFL)
        from agent.runtime import failpoints, platform  # noqa: PLC0415

        failpoints.hit("runner")
        platform.own_group(folder.name)
        _detach()
        run_command(folder, json.loads(spec))
        code = 0
    except BaseException as problem:  # noqa: BLE001
        # Frames and type only: the text of an exception may quote a value.
        frames = "".join(traceback.format_tb(problem.__traceback__))
        with contextlib.suppress(OSError):
            (folder / "runner.log").write_text(f"{frames}{type(problem).__name__}\n")
    finally:
        os._exit(code)


def _detach() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if null > 2:  # noqa: PLR2004
        os.close(null)


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
