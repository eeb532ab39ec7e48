"""What the runner needs from a POSIX system: subreaper, descendants, secret descriptors."""

import contextlib
import ctypes
import fcntl
import functools
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

_SET_DUMPABLE = 4
_SET_CHILD_SUBREAPER = 36
_SET_PIPE_SIZE = 1031
_PIPE_SIZE = 1024 * 1024


def adopt_orphans() -> None:
    """Become the parent of every orphaned descendant, and refuse core dumps (Linux)."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        libc = _libc()
        libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def enlarge_pipe(descriptor: int) -> None:
    """Give a pipe more room, where the system lets us."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, _SET_PIPE_SIZE, _PIPE_SIZE)


# Files that are only in memory, which a child may open again as /proc/self/fd/N.
HAS_MEMORY_FILES = hasattr(os, "memfd_create")


def secret_descriptor(data: bytes) -> int:
    """Return a descriptor from which a child reads `data`, kept in memory only."""
    if HAS_MEMORY_FILES:
        descriptor = os.memfd_create("variables", os.MFD_CLOEXEC)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor
    return _fed_pipe(data)


def _fed_pipe(data: bytes) -> int:
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.close(reader)
            view = memoryview(data)
            while view:
                view = view[os.write(writer, view) :]
        finally:
            os._exit(0)
    os.close(writer)
    return reader


def descendants() -> set[int]:
    """Return the ids of all living descendants of this process."""
    children: dict[int, list[int]] = {}
    for entry in _process_ids():
        try:
            fields = Path("/proc", entry, "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] not in (b"Z", b"X"):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found: set[int] = set()
    todo = [os.getpid()]
    while todo:
        for child in children.get(todo.pop(), ()):
            if child not in found:
                found.add(child)
                todo.append(child)
    return found


def _process_ids() -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 (speed)
    return []


def signal_all(processes: Iterable[int], number: int) -> None:
    """Send a signal to each process that is still there."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def signal_group(group: int, number: int) -> None:
    """Send a signal to a process group, if it still has members."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def kill_descendants(patience_s: float = 10.0) -> None:
    """Kill every descendant; stop them first, so that none can fork out of reach."""
    give_up = time.monotonic() + patience_s
    while (living := descendants()) and time.monotonic() < give_up:
        signal_all(living, signal.SIGSTOP)
        signal_all(descendants(), signal.SIGKILL)
        time.sleep(0.01)
