"""Child processes: started, watched, restarted with back-off and stopped in order."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LONGEST_PAUSE = 30.0
_STABLE_AFTER = 5.0
_LAST_WORDS = 1000
_LARGEST_LOG = 10 * 1024 * 1024
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One process that must always run."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    stop_within: float = 10.0
    process: "subprocess.Popen[bytes] | None" = None
    failures: int = 0
    started: float = 0.0
    start_again: float = 0.0

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 only calls prctl
            )
        self.started = time.monotonic()

    def last_words(self) -> str:
        """Return the last line that the process wrote, which usually says why it ended."""
        with contextlib.suppress(OSError):
            lines = self.log.read_bytes()[-_LAST_WORDS:].decode(errors="replace").split("\n")
            return next((f": {line.strip()}" for line in reversed(lines) if line.strip()), "")
        return ""

    def stop(self) -> None:
        process = self.process
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(self.stop_within)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass
class Children:
    """The children in the order in which they start; they stop in reverse."""

    report: Callable[[str], None]
    members: list[Child] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self, child: Child) -> None:
        with self._lock:
            child.start()
            self.members.append(child)

    def watch(self) -> None:
        """Restart what ended, until stop() is called; runs in a thread of its own."""
        while not self._stopping.wait(0.25):
            with self._lock:
                for child in self.members:
                    self._look_after(child)

    def _look_after(self, child: Child) -> None:
        process, now = child.process, time.monotonic()
        if process is not None and process.poll() is not None:
            child.failures = 0 if now - child.started > _STABLE_AFTER else child.failures + 1
            pause = min(_LONGEST_PAUSE, 0.5 * 2 ** (child.failures - 1)) if child.failures else 0.0
            child.start_again = now + pause
            child.process = None
            self.report(
                f"{child.name} ended with code {process.returncode}{child.last_words()};"
                f" starting it again (its log: {child.log})"
            )
        if child.process is None and now >= child.start_again:
            try:
                child.start()
            except OSError as error:
                # A full disk or no memory for a moment: the watch must outlive it.
                child.start_again = now + _LONGEST_PAUSE
                self.report(f"{child.name} cannot be started: {error.strerror}; trying again")
        self._limit_log(child)

    def _limit_log(self, child: Child) -> None:
        """Keep the log of a child that runs on; it appends, so the file may be emptied."""
        with contextlib.suppress(OSError):
            if child.log.stat().st_size > _LARGEST_LOG:
                shutil.copyfile(child.log, child.log.with_suffix(".old"))
                os.truncate(child.log, 0)

    def stop(self) -> None:
        self._stopping.set()
        with self._lock:
            for child in reversed(self.members):
                child.stop()
            self.members.clear()
