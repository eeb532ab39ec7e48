"""The files that prove what happened: lock, `started` and `exit`."""

import contextlib
import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

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


def take_lock(cmd_dir: Path) -> int | None:
    """Return a descriptor that holds the command's lock, None if another runner has it."""
    descriptor = os.open(cmd_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def mark_started(cmd_dir: Path) -> bool:
    """Create `started` durably; return False if it exists, so that nothing runs twice.

    The spool is created with it, so that its name needs no forcing to the disk later. Of
    `started` only the existence is forced: what it says has no meaning after the next boot.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    os.close(os.open(cmd_dir / "out.spool", flags, 0o600))
    try:
        descriptor = os.open(cmd_dir / "started", flags | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    try:
        content = {"pid": os.getpid(), "boot_id": boot_id(), "at": time.time()}
        os.write(descriptor, json.dumps(content).encode())
    finally:
        os.close(descriptor)
    _sync_directory(cmd_dir)
    return True


def write_exit(cmd_dir: Path, record: Exit, *, durably: bool) -> None:
    """Write `exit` atomically; try again for as long as the disk is full.

    Durably unless the end of the spool, which is on the disk, says the same.
    """
    data = json.dumps(asdict(record)).encode()
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


def boot_id() -> str:
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
