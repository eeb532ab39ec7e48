"""The trial of a new program: it runs beside its parent, the old one, until it is welcome.

Nothing is replaced before the trial has succeeded, so a crash at any moment leaves a machine whose
next start runs a program that works.
"""

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from agent import failpoints
from agent.contracts import limits
from agent.runtime.upgrade import outcome
from agent.runtime.upgrade.program import Versions, execute, own_program
from agent.runtime.upgrade.seat import SETTING, WELCOME

_log = logging.getLogger("tentacle")
_LOOK_MS = 200


class _Stopped(Exception):
    """The service was told to stop in the middle of a trial."""


def try_out(home: Path, program: Path, sha256: str) -> None:
    """Run the program until it is welcome; then become it, or what ran before.

    Returns only when the agent was told to stop meanwhile.
    """
    own = own_program()
    state = outcome.read(home)
    if own is None or state is None:
        return
    try:
        with _stoppable():
            problem = _run_trial(program)
    except _Stopped:
        return
    _reap()
    if not problem:
        try:
            failpoints.hit("before_swap")
            Versions(home).make_current(program, sha256, own)
            failpoints.hit("swapped")
        except (OSError, ValueError, KeyError) as error:
            problem = f"the new program works, but cannot take its place: {error}"
    if problem:
        _log.error("upgrade to %s failed: %s", state.version, problem)
        outcome.write(home, replace(state, stage="failed", detail=problem))
        execute(own)
    _log.info("upgrade to %s succeeded", state.version)
    outcome.write(home, replace(state, stage="done"))
    Versions(home).clean(program, own)
    execute(program)


def _run_trial(program: Path) -> str:
    """Return "" once the program was welcome, else what went wrong."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            child = subprocess.Popen(
                [sys.executable, "-I", str(program), *sys.argv[1:]],
                env={**os.environ, SETTING: str(theirs.fileno())},
                pass_fds=(theirs.fileno(),),
            )
        try:
            return _wait_for_welcome(child, ours)
        finally:
            ours.close()
            _end(child)


def _wait_for_welcome(child: "subprocess.Popen[bytes]", connection: socket.socket) -> str:
    end = time.monotonic() + limits.UPGRADE_TRIAL
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    while time.monotonic() < end:
        if poll.poll(_LOOK_MS) and connection.recv(1) == WELCOME:
            return ""
        code = child.poll()
        if code is not None:
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            return f"the new program ended with {how} before the server welcomed it"
    return f"the server did not welcome the new program within {limits.UPGRADE_TRIAL:g} s"


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Let the program on trial leave in good order; its running scripts go on either way."""
    child.terminate()
    try:
        child.wait(limits.UPGRADE_LEAVE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Raise _Stopped in the block on SIGTERM or SIGINT."""

    def stop(_number: int, _frame: object) -> None:
        raise _Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _reap() -> None:
    """Collect what the old daemon has left, because an exec keeps its children."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
