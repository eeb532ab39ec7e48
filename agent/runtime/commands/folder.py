"""The folder of one command on disk: what the daemon writes there and reads back."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent import failpoints
from agent.contracts.messages import Run
from agent.contracts.spool import SpoolDamaged, SpoolReader
from agent.runtime import platform
from agent.runtime.config import sync_folder, write_private
from agent.runtime.packages.patching import Arrival
from agent.runtime.runner.records import name_started

_CLAIM = "claimed"
_LARGEST_RECORD = 1024 * 1024


class CommandFolder:
    """cmd/<id>: lock, started (the same file), out.spool, cancel, exit, work/."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the folder and force its entry to the disk, so that what a runner forces stays
        found.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(self.path.parent)

    def started(self) -> dict[str, Any] | None:
        """Return what the runner wrote before any user code, or None."""
        values = self._read("started")
        return None if values is None or _CLAIM in values else values

    def claim(self, reason: str) -> bool:
        """Make sure that no runner will ever start here; False when one has, or is about to."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return name_started(self.path, lock, {_CLAIM: reason}) or self.claimed() is not None
        except BlockingIOError:
            return False
        finally:
            os.close(lock)

    def claimed(self) -> str | None:
        """Return the reason of an earlier claim, or None."""
        values = self._read("started")
        return None if values is None else values.get(_CLAIM)

    def is_held(self) -> bool:
        """Tell whether a runner is alive."""
        return platform.is_locked(self.path / "lock")

    def exit_record(self) -> dict[str, Any] | None:
        """Return the runner's exit record, or None while there is none.

        After a power cut the file may be missing or empty; `measure` finds the record then.
        """
        return self._read("exit") or None

    def spool_size(self) -> int:
        """Return the size of the spool file, headers included; 0 while there is none."""
        try:
            return (self.path / "out.spool").stat().st_size
        except FileNotFoundError:
            return 0

    def reader(self, offset: int = 0) -> SpoolReader:
        """Return a reader of the output from a log offset on."""
        return SpoolReader(self.path / "out.spool", offset)

    def measure(self) -> tuple[int, str, dict[str, Any] | None]:
        """Return length and SHA-256 of the whole frames in the spool, and the exit record if it
        is there and speaks of these; reads all of it.
        """
        digest = hashlib.sha256()
        length = 0
        record = None
        with self.reader() as reader, contextlib.suppress(SpoolDamaged):
            for frame in reader:
                digest.update(frame.payload)
                length = frame.end
            record = reader.exit_record()
        told = record and (record.get("bytes"), record.get("sha256"))
        return length, digest.hexdigest(), record if told == (length, digest.hexdigest()) else None

    def ask_to_stop(self, grace_s: float, reason: str) -> None:
        """Write the order that a runner reads when it is signalled or about to start."""
        text = json.dumps({"grace_s": grace_s, "reason": reason})
        write_private(self.path / "cancel", text)

    def signal(self) -> bool:
        """Send TERM to the runner; False when there is none to signal."""
        values = self.started()
        if values is None or values.get("boot_id") not in (None, "", platform.boot_id()):
            return False
        # Only while the lock is held is the process id surely the runner's.
        if not self.is_held():
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(values["pid"]), signal.SIGTERM)
        return True

    def remove(self) -> None:
        """Delete the folder and all it holds."""
        failpoints.hit("remove")
        shutil.rmtree(self.path, ignore_errors=True)

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            descriptor = os.open(f"{self.path}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            values = json.loads(os.read(descriptor, _LARGEST_RECORD) or "{}")
        except ValueError:
            # What a power cut left of a file whose content was not forced to the disk.
            return {}
        finally:
            os.close(descriptor)
        return values if isinstance(values, dict) else {}


def header_of(run: Run, arrivals: Mapping[str, Arrival]) -> dict[str, Any]:
    """Return what the runner is told beside the spec."""
    return {
        "id": run.id,
        "kind": run.kind,
        "limits": {
            "deadline_s": run.deadline_s,
            "grace_s": run.grace_s,
            "spool_cap": run.spool_cap,
        },
        "arrivals": {sha256: asdict(arrival) for sha256, arrival in arrivals.items()},
    }
