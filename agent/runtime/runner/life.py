"""The life of a runner process: wait for a command, run it, be free for another or end."""

import contextlib
import json
import os
import resource
import signal
import socket
import struct
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from agent import failpoints
from agent.runtime import platform

# Runs the command of a folder; True when this process is fit to run another one.
RunCommand = Callable[[Path, Any, Any], bool]

REQUEST = struct.Struct(">dII")  # when it was sent (monotonic), lengths of folder name and order
REPLY = struct.Struct(">i")  # process id of the runner, or 0 when it could not be forked
FREE = struct.Struct(">d")  # since when a runner is free (monotonic)
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Only for the throw-away folder of a warm-up, which need not reach a disk.
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
_MOST_COMMANDS = 100
_MOST_MEMORY_KIB = 64 * 1024


def become_runner(connection: socket.socket, run_command: RunCommand, *, warm: bool) -> NoReturn:
    """Serve requests until the spawner is gone, or something might be left of a command."""
    code = 70
    try:
        os.setsid()
        _hold_stops()
        _detach()
        if warm:
            _warm_up(run_command)
        for _ in range(_MOST_COMMANDS):
            request = receive_request(connection)
            if request is None or not _run(request, run_command):
                break
            connection.sendall(FREE.pack(time.monotonic()))
        code = 0
    except OSError:
        code = 0  # the spawner is gone, and there is nobody else to serve
    finally:
        os._exit(code)


def receive_request(connection: socket.socket) -> bytes | None:
    """Return a whole request, or None when the other end is gone."""
    header = _receive(connection, REQUEST.size)
    if header is None:
        return None
    _, name_length, spec_length = REQUEST.unpack(header)
    body = _receive(connection, name_length + spec_length)
    return None if body is None else header + body


def _run(request: bytes, run_command: RunCommand) -> bool:
    _, name_length, _ = REQUEST.unpack_from(request)
    body = REQUEST.size + name_length
    folder = Path(os.fsdecode(request[REQUEST.size : body]))
    # What was sent to an earlier command must not stop this one, which nobody knows yet.
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
        signal.signal(number, signal.SIG_DFL)
    try:
        failpoints.hit("runner")
        platform.own_group(folder.name)
        order = json.loads(request[body:])
        fit = run_command(folder, order["header"], order["spec"])
        _hold_stops()
        return fit and _is_clean() and platform.leave_group()
    except BaseException as problem:  # noqa: BLE001
        # Frames and type only: the text of an exception may quote a value.
        frames = "".join(traceback.format_tb(problem.__traceback__))
        with contextlib.suppress(OSError):
            (folder / "runner.log").write_text(f"{frames}{type(problem).__name__}\n")
        return False


def _hold_stops() -> None:
    # Blocked until the runner has its handlers, which unblock them: a stop that comes before
    # must not kill a command that counts as started.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    for number in (signal.SIGCHLD, *STOPS):
        signal.signal(number, signal.SIG_DFL)


def _is_clean() -> bool:
    """Tell whether no descendant lives on and no unusual memory is held."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return False
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= _MOST_MEMORY_KIB


def _warm_up(run_command: RunCommand) -> None:
    """Go through a command of no known kind, so that the memory it needs is this process's own."""
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        run_command(Path(folder), {"kind": "warm-up"}, {"variables": [["Warm", "up", False]]})
    _hold_stops()


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
