"""File and state together: every change is on disk before it counts."""

import time
from pathlib import Path
from typing import Any

from agent.contracts import limits
from agent.runtime.journal.file import JournalFile, decode_records
from agent.runtime.journal.state import Entry, JournalState

_SPARE_RECORDS = 2000


def entries_on_disk(folder: Path) -> list[Entry]:
    """Return all entries without opening the journal for writing, also while a daemon holds it."""
    state = JournalState()
    try:
        data = (folder / "log").read_bytes()
    except FileNotFoundError:
        return []
    for record, _ in decode_records(data):
        state.apply(record)
    return list(state.entries.values())


class Journal:
    """The commands of one agent instance; writes raise OSError and then change nothing."""

    def __init__(self, folder: Path) -> None:
        self._file = JournalFile(folder / "log")
        self._state = JournalState()
        for record in self._file.records:
            self._state.apply(record)
        self._records = len(self._file.records)
        self._file.records.clear()
        self._kept = len(self._state.entries)
        self.tombstone_s = limits.TOMBSTONE_RETENTION

    @property
    def high(self) -> int:
        """The number of records ever written; falls only when the folder was rolled back."""
        return self._state.high

    def force(self) -> None:
        """Force every record to the disk, so that `high` cannot fall any more; raise OSError."""
        self._file.force()

    def get(self, command_id: str) -> Entry | None:
        """Return a command or tombstone, or None for an id never seen."""
        return self._state.entries.get(command_id)

    def entries(self) -> list[Entry]:
        """Return all entries."""
        return list(self._state.entries.values())

    def accepted(self, command_id: str, spec_hash: str, run: dict[str, Any]) -> None:
        """Take on a command; `run` holds what is not secret."""
        self._write({"t": "accepted", "id": command_id, "hash": spec_hash, "run": run})

    def starting(self, command_id: str, packages: list[dict[str, Any]]) -> None:
        """Note that the command may start from now on, and the packages that it holds.

        Not forced: the runner forces its own `started` file before any user code.
        """
        self._write({"t": "starting", "id": command_id, "packages": packages}, sync=False)

    def finished(self, command_id: str, result: dict[str, Any], *, sync: bool = True) -> None:
        """Note the result that will be sent until it is acknowledged.

        Need not be forced when the runner's exit file, already on disk, says the same.
        """
        self._write({"t": "finished", "id": command_id, "result": result}, sync=sync)

    def released(self, command_id: str) -> None:
        """Turn a command into a tombstone; losing this record only repeats `finished`."""
        self._write({"t": "released", "id": command_id}, sync=False)
        self._compact()

    def cancelled(self, command_id: str) -> None:
        """Leave a tombstone for a command that was never seen."""
        self._write({"t": "cancelled", "id": command_id})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, record: dict[str, Any], *, sync: bool = True) -> None:
        record["at"] = round(time.time(), 3)
        self._file.append(record, sync=sync)
        self._state.apply(record)
        self._records += 1

    def _compact(self) -> None:
        if self._records < 2 * self._kept + _SPARE_RECORDS:
            return
        old = time.time() - self.tombstone_s
        self._state.forget(before=old, keep=limits.TOMBSTONES_KEPT)
        self._file.rewrite(self._state.snapshot())
        self._records = self._kept = len(self._state.entries)
