"""The files that prove what happened: `started`, a second name of the lock file, and `exit`."""

import contextlib
import fcntl
import functools
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(slots=True)
class Exit:
    """The end of a command; `reason` is "", "deadline", "cancelled" or "error: ..."."""

    exit: int = -1
    signal: int | None = None
    reason: str = ""
    bytes: int = 0
    sha256: str = ""
    duration_ms: int = 0
    message: str = ""
    omitted: int = 0

    def values(self) -> dict[str, Any]:
        """Return the record as it is stored."""
        return {name: getattr(self, name) for name in self.__slots__}


def take_lock(cmd_dir: Path) -> int | None:
    """Return a descriptor that holds the command's lock, None if another runner has it."""
    descriptor = os.open(cmd_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def mark_started(cmd_dir: Path, lock: int) -> bool:
    """Create `started` durably; return False if it exists, so that nothing runs twice.

    The spool is created with it, so that its name needs no forcing to the disk later. Of
    `started` only the existence is forced: what it says has no meaning after the next boot.
    """
    if not name_started(cmd_dir, lock, {"pid": os.getpid(), "boot_id": boot_id()}):
        return False
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    os.close(os.open(cmd_dir / "out.spool", flags, 0o600))
    _sync_directory(cmd_dir)
    return True


def name_started(cmd_dir: Path, lock: int, content: dict[str, Any]) -> bool:
    """Write into the held lock and give it the name `started`, in one step; False if that exists.

    A second name costs less than a second file, and nobody can see it half written.
    """
    if (cmd_dir / "started").exists():
        return False
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps(content).encode(), 0)
    try:
        os.link(cmd_dir / "lock", cmd_dir / "started")
    except FileExistsError:
        return False
    return True


def write_exit(cmd_dir: Path, record: Exit, *, durably: bool) -> None:
    """Write `exit` atomically; try again for as long as the disk is full.

    Durably unless the end of the spool, which is on the disk, says the same.
    """
    data = json.dumps(record.values()).encode()
    attempt = 0
    while True:
        try:
            _write_atomically(cmd_dir / "exit", data, durably=durably)
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
            attempt += 1
        else:
            return


@functools.cache
def boot_id() -> str:
    """Return the id of this boot of the machine, which no process outlives."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().decode().strip()
    return ""


def _write_atomically(path: Path, data: bytes, *, durably: bool) -> None:
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        if durably:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    if durably:
        _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
