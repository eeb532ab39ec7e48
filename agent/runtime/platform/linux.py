"""Linux: boot id, locks, control groups, socket options, shells."""

import contextlib
import fcntl
import functools
import os
import resource
import shutil
import socket
from pathlib import Path

_SHELLS = {"Bash": "bash", "PowerShell": "pwsh"}


def boot_id() -> str:
    """Return the id of this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def write_no_memory_to_disk() -> None:
    """Let a crash of this process, or of what it starts, leave no file of what it had in memory.

    A script that wants one asks for it by `ulimit -c`.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def free_disk(folder: Path) -> int:
    """Return the bytes that this user may still write."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def shells() -> tuple[str, ...]:
    """Return the script syntaxes that can run here."""
    found = [syntax for syntax, program in _SHELLS.items() if shutil.which(program)]
    return ("Python", *found)


def is_locked(path: Path) -> bool:
    """Tell whether another process holds the lock file; no file means no holder."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def limit_silence(connection: socket.socket, seconds: float) -> None:
    """Let the kernel give up on a connection whose data stays unacknowledged this long."""
    with contextlib.suppress(OSError):
        option = socket.TCP_USER_TIMEOUT
        connection.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1000))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def own_group(command_id: str) -> None:
    """Move this process into a control group of its own, where the system lets us."""
    with contextlib.suppress(OSError):
        group = _group_of(command_id)
        if group is not None:
            group.mkdir(exist_ok=True)
            (group / "cgroup.procs").write_text("0")


def leave_group() -> bool:
    """Go back from a command's control group to the agent's own; False if it cannot."""
    with contextlib.suppress(OSError):
        own = own_control_group()
        if own is not None:
            (own / "cgroup.procs").write_text("0")
        return True
    return False


def leave_no_trace(command_id: str, *, kill: bool) -> None:
    """Remove a command's control group; with `kill` end every process in it first."""
    with contextlib.suppress(OSError):
        group = _group_of(command_id)
        if group is None or not group.is_dir():
            return
        if kill:
            (group / "cgroup.kill").write_text("1")
        group.rmdir()


def _group_of(command_id: str) -> Path | None:
    own = own_control_group()
    return None if own is None else own / f"octopus-{command_id}"


@functools.cache
def own_control_group() -> Path | None:
    """Return the agent's control group; None where groups cannot be made.

    Asked for first before any process is moved, and remembered by those that are forked later.
    """
    if os.geteuid() != 0 and "INVOCATION_ID" not in os.environ:
        return None
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            group = Path("/sys/fs/cgroup") / line[3:].lstrip("/")
            return group if (group / "cgroup.procs").exists() else None
    return None
