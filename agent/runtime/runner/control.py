"""Stop a command: by cancellation, by its deadline."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from types import FrameType

CANCELLED = "cancelled"
DEADLINE = "deadline"
_FILE_CHECK_S = 1.0


class Stopped(Exception):
    """Raised when the command has to end before its work is done."""

    def __init__(self, reason: str, exit_code: int = -1, signal: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.exit_code = exit_code
        self.signal = signal


class Control:
    """Know whether the command must stop; `wake` becomes readable when a signal arrived."""

    def __init__(self, cmd_dir: Path, deadline_s: float | None, grace_s: float) -> None:
        self._cancel_file = cmd_dir / "cancel"
        self.grace_s = grace_s
        self._deadline = None if deadline_s is None else time.monotonic() + deadline_s
        self._next_file_check = 0.0
        self._reason = ""
        self.cancel_message = ""
        self.wake, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def install(self) -> None:
        """Handle signals: TERM cancels, a child's end wakes up; HUP and INT do nothing."""
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._terminated)
        # Handlers that do nothing, not SIG_IGN: children would inherit that.
        for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def close(self) -> None:
        """Give up the wake-ups; a signal that comes later meets a command that has ended."""
        signal.set_wakeup_fd(-1)
        os.close(self.wake)
        os.close(self._wake_writer)

    def reason(self) -> str:
        """Return "" or why the command must stop; the first reason stays."""
        now = time.monotonic()
        if not self._reason and now >= self._next_file_check:
            self._next_file_check = now + _FILE_CHECK_S
            if self._cancel_file.exists():
                self._cancel()
        if not self._reason and self._deadline is not None and now >= self._deadline:
            self._reason = DEADLINE
        return self._reason

    def check(self) -> None:
        """Raise Stopped if the command must stop."""
        if reason := self.reason():
            raise Stopped(reason)

    def remaining(self) -> float:
        """Return for how many seconds nobody needs to ask again, save for signals."""
        if self._deadline is None or self._reason:
            return _FILE_CHECK_S
        return max(0.0, min(_FILE_CHECK_S, self._deadline - time.monotonic()))

    def drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self.wake, 4096):
                pass

    def _terminated(self, _number: int, _frame: FrameType | None) -> None:
        self._cancel()

    def _cancel(self) -> None:
        if self._reason:
            return
        self._reason = CANCELLED
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            order = json.loads(self._cancel_file.read_bytes())
            self.grace_s = float(order.get("grace_s", self.grace_s))
            self.cancel_message = str(order.get("reason") or "")
