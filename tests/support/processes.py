"""Real processes for tests: started with a captured log, ended with all their descendants."""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

# Systems give ports above these by themselves, to whoever connects or lets one be chosen.
_PORTS = range(15_000, 32_000)
_MARK = "OCTOPUS_TEST_PROCESSES"
# How much longer than asked for is waited: a machine may have much else to do.
_PATIENCE = 3
_SET_PARENT_DEATH_SIGNAL = 1
_LOG_TAIL = 6000
_libc = ctypes.CDLL(None, use_errno=True)


class NotReadyError(AssertionError):
    """Something waited for did not come in time."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on and that no other test is given."""
    own = f"octopus-test-port-{os.getuid()}"
    with Path(tempfile.gettempdir(), own).open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        last = int(file.read() or _PORTS[-1])
        port: int = next(filter(_is_free, (*range(last + 1, _PORTS.stop), *_PORTS)))
        file.truncate(0)
        file.write(str(port))
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_until(
    condition: Callable[[], object], *, seconds: float = 10, what: str = "condition"
) -> None:
    """Wait for a condition to be true; raises NotReadyError."""
    seconds *= _PATIENCE
    begin = asked = time.monotonic()
    while not condition():
        now = time.monotonic()
        if now > begin + seconds:
            raise NotReadyError(f"{what}: not within {seconds} s")
        # What is asked, a server most often, shall have most of the time for its work.
        time.sleep(min(max(0.02, 4 * (now - asked)), 0.3))
        asked = time.monotonic()


def accepts_connections(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


@dataclass
class Process:
    """One process that a test started; its output is in `log_path`."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log_path: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def log(self) -> str:
        """Return all that the process has written."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def wait_for_port(self, port: int, *, seconds: float = 20) -> None:
        """Wait until the process listens; raises NotReadyError with its log."""
        self._wait(lambda: accepts_connections(port), seconds, f"port {port}")

    def wait_for_log(self, text: str, *, seconds: float = 20) -> None:
        """Wait until the process has written a text; raises NotReadyError with its log."""
        self._wait(lambda: text in self.log(), seconds, repr(text))

    def wait_for_exit(self, *, seconds: float = 20) -> int:
        """Wait for the end and return the exit code; raises NotReadyError with the log."""
        self._wait(lambda: not self.is_running, seconds, "exit", needs_life=False)
        return int(self.popen.returncode)

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does."""
        self._signal(signal.SIGINT)

    def terminate(self, *, seconds: float = 15) -> int:
        """Ask for the end (SIGTERM) and return the exit code; raises NotReadyError."""
        self._signal(signal.SIGTERM)
        return self.wait_for_exit(seconds=seconds)

    def kill(self) -> None:
        """End this process alone, at once (kill -9); its children live on."""
        self._signal(signal.SIGKILL)
        self.popen.wait(10)

    def _signal(self, number: int) -> None:
        if self.is_running:
            self.popen.send_signal(number)

    def _wait(
        self, condition: Callable[[], object], seconds: float, what: str, *, needs_life: bool = True
    ) -> None:
        seconds *= _PATIENCE
        end = time.monotonic() + seconds
        while not condition():
            if needs_life and not self.is_running:
                raise NotReadyError(
                    f"{self.name} ended with {self.popen.returncode} before {what}\n{self._tail()}"
                )
            if time.monotonic() > end:
                raise NotReadyError(f"{self.name}: no {what} in {seconds} s\n{self._tail()}")
            time.sleep(0.02)

    def _tail(self) -> str:
        return self.log()[-_LOG_TAIL:]


@dataclass
class Processes:
    """The processes of one test or session; `stop_all` ends them and whatever they started."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    started: list[Process] = field(default_factory=list)
    _mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        working_folder: Path | None = None,
        user: str | None = None,
    ) -> Process:
        """Start a program in a process group of its own; it dies with this process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log_path = self.folder / f"{name}-{len(self.started)}.log"
        with log_path.open("wb") as log:
            popen = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment, **(environment or {}), _MARK: self._mark},
                cwd=working_folder,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 no threads of ours at this point
                user=user,
                group=user,
                extra_groups=[] if user else None,
            )
        process = Process(name, popen, log_path)
        self.started.append(process)
        return process

    def stop_all(self) -> None:
        """End every process with a SIGTERM, then all descendants that are left with a SIGKILL."""
        for process in reversed(self.started):
            if process.is_running:
                process.popen.terminate()
        end = time.monotonic() + 5
        for process in self.started:
            with suppress(subprocess.TimeoutExpired):
                process.popen.wait(max(0.05, end - time.monotonic()))
        self.kill_all()

    def kill_all(self) -> None:
        """Kill -9 every process and descendant, detached ones as well."""
        wanted = f"{_MARK}={self._mark}".encode()
        for process in self.started:
            # Some write over their own environment.
            if process.is_running:
                process.popen.kill()
        while left := [pid for pid in _all_pids() if wanted in _environment_of(pid)]:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for process in self.started:
                process.popen.poll()
            time.sleep(0.02)
        for process in self.started:
            process.popen.wait(10)

    def descendants(self) -> list[int]:
        """Return the ids of all living processes that these started, detached ones as well."""
        wanted = f"{_MARK}={self._mark}".encode()
        return [pid for pid in _all_pids() if wanted in _environment_of(pid)]

    def report(self) -> str:
        """Return the ends of all logs, for the report of a failed test."""
        return "\n".join(
            f"--- {process.name} (exit {process.popen.poll()}) ---\n{process.log()[-_LOG_TAIL:]}"
            for process in self.started
        )


def _die_with_parent() -> None:
    _libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 hot


def _environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Start real processes; logs of a failed test are shown, everything is ended at the end."""
    mine = Processes(tmp_path / "processes")
    yield mine
    mine.stop_all()


@pytest.fixture(scope="session")
def session_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Start processes that serve the whole session."""
    mine = Processes(tmp_path_factory.mktemp("session-processes"))
    yield mine
    mine.stop_all()
