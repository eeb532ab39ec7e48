"""The folder of one command on disk: what the daemon writes there and reads back."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

from agent.contracts.messages import Run
from agent.contracts.spool import SpoolDamaged, SpoolReader
from agent.runtime import platform
from agent.runtime.config import sync_folder, write_private

_CLAIM = "claimed"


class CommandFolder:
    """cmd/<id>: spec.json, lock, started, out.spool, cancel, exit, work/."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, header: dict[str, Any]) -> None:
        """Make the folder and write spec.json, which holds nothing secret."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The journal holds the same, so this file needs no sync of its own.
        (self.path / "spec.json").write_text(json.dumps(header))

    def secure(self) -> None:
        """Force the folder's own entry to the disk, so that what a runner forces stays found."""
        sync_folder(self.path.parent)

    def packages(self) -> list[dict[str, Any]]:
        """Return the packages that spec.json names."""
        return list((self._read("spec.json") or {}).get("packages") or [])

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
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(self.path / "started", flags, 0o600), "w") as file:
                json.dump({_CLAIM: reason}, file)
        except BlockingIOError:
            return False
        except FileExistsError:
            return self.claimed() is not None
        finally:
            os.close(lock)
        return True

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
        shutil.rmtree(self.path, ignore_errors=True)

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            values = json.loads((self.path / name).read_text() or "{}")
        except FileNotFoundError:
            return None
        except ValueError:
            # Only `started` can be seen half written: created, its content not there yet.
            return {}
        return values if isinstance(values, dict) else {}


def header_of(run: Run, packages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the content of spec.json for a command."""
    return {
        "id": run.id,
        "kind": run.kind,
        "spec_hash": run.spec_hash,
        "limits": {
            "deadline_s": run.deadline_s,
            "grace_s": run.grace_s,
            "spool_cap": run.spool_cap,
        },
        "packages": packages,
        "isolation": {"name": run.isolation.name, "mode": run.isolation.mode},
    }
