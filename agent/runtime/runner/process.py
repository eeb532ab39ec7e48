"""Run one program: own its pipes, stop it in time, leave no part of it behind when stopped."""

import math
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.contracts.spool import STDERR, STDOUT
from agent.runtime.runner import posix
from agent.runtime.runner.control import Control

# How long pipes may stay open after the program itself has ended.
PIPE_GRACE_S = 1.5
_READ_SIZE = 256 * 1024
_BUSY_READS = 50
_BUSY_WINDOW_S = 0.05
_REST_S = 0.01
_SMALL_READ = 16 * 1024
_KILL_POLL_S = 0.05
_DRAIN_READS = 256

Sink = Callable[[int, bytes], None]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended.

    `left_open`: a background process kept a pipe. `stopped`: it was told to end.
    """

    exit_code: int
    signal: int | None
    left_open: bool
    stopped: bool


class Process:
    """One run of a program; call `run` once."""

    def __init__(self, control: Control, sink: Sink) -> None:
        self._control = control
        self._sink = sink
        self._selector = selectors.DefaultSelector()
        self._open_pipes = 0
        self._status: int | None = None
        self._pid = 0
        self._kill_at: float | None = None
        self._killed = False
        self._ended_at = math.inf
        self._window = (0.0, 0)

    def run(
        self,
        argv: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        descriptors: Sequence[int] = (),
    ) -> Ended:
        """Run to the end; raise OSError if the program cannot be started."""
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=directory,
            env=dict(environment),
            pass_fds=descriptors,
            start_new_session=True,
            bufsize=0,
        )
        self._pid = child.pid
        pipes = [
            (pipe, stream)
            for pipe, stream in ((child.stdout, STDOUT), (child.stderr, STDERR))
            if pipe is not None
        ]
        for pipe, stream in pipes:
            os.set_blocking(pipe.fileno(), False)
            posix.enlarge_pipe(pipe.fileno())
            self._selector.register(pipe, selectors.EVENT_READ, stream)
            self._open_pipes += 1
        wake = self._selector.register(self._control.wake, selectors.EVENT_READ)
        try:
            while not self._finished():
                self._turn()
            self._drain()
        finally:
            self._selector.unregister(wake.fileobj)
            left_open = self._open_pipes > 0
            self._selector.close()
            for pipe, _stream in pipes:
                pipe.close()
            child.returncode = self._exit_code()
        stopped = self._kill_at is not None
        return Ended(child.returncode, self._signal(), left_open and not stopped, stopped)

    def _turn(self) -> None:
        for key, _events in self._selector.select(self._timeout()):
            if key.data is None:
                self._control.drain_wake()
            else:
                self._read(key)
        self._reap()
        self._stop_when_told()

    def _timeout(self) -> float:
        if self._kill_at is not None:
            return _KILL_POLL_S
        if self._status is not None:
            return max(0.0, self._ended_at + PIPE_GRACE_S - time.monotonic())
        return self._control.remaining()

    def _read(self, key: selectors.SelectorKey) -> None:
        try:
            data = os.read(key.fd, _READ_SIZE)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(key.fileobj)
            self._open_pipes -= 1
            return
        self._sink(key.data, data)
        if len(data) < _SMALL_READ:
            self._rest_when_busy()

    def _drain(self) -> None:
        """Take what still lies in the pipes, without waiting."""
        for _ in range(_DRAIN_READS):
            ready = [key for key, _ in self._selector.select(0) if key.data is not None]
            if not ready:
                return
            for key in ready:
                self._read(key)

    def _rest_when_busy(self) -> None:
        """Let a program that prints many small pieces fill its pipe for a moment."""
        now = time.monotonic()
        since, count = self._window
        if now - since > _BUSY_WINDOW_S:
            self._window = (now, 1)
        elif count < _BUSY_READS:
            self._window = (since, count + 1)
        elif self._status is None:
            time.sleep(_REST_S)

    def _reap(self) -> None:
        """Collect the program's end, and that of orphans which we have inherited."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._pid:
                self._status = status
                self._ended_at = time.monotonic()

    def _stop_when_told(self) -> None:
        now = time.monotonic()
        if self._kill_at is None:
            if self._control.reason():
                self._kill_at = now + self._control.grace_s
                posix.signal_group(self._pid, signal.SIGTERM)
        elif now >= self._kill_at and not self._killed:
            self._killed = True
            posix.kill_descendants()
            self._reap()

    def _finished(self) -> bool:
        if self._killed:
            return True
        if self._status is None:
            return False
        if self._kill_at is not None:
            return not posix.descendants()
        if self._open_pipes == 0:
            return True
        return time.monotonic() >= self._ended_at + PIPE_GRACE_S

    def _signal(self) -> int | None:
        if self._status is None or not os.WIFSIGNALED(self._status):
            return None
        return os.WTERMSIG(self._status)

    def _exit_code(self) -> int:
        if self._status is None:
            return -1
        number = self._signal()
        return os.waitstatus_to_exitcode(self._status) if number is None else 128 + number
