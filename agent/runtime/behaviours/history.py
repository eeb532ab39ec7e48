"""The deployment journal: what was installed on this machine, one JSON object a line."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.runtime.behaviours.context import Context
from agent.runtime.config import sync_folder, write_private

JOURNAL = "deployment-journal.json"
_PREVIOUS = "Octopus.Tentacle.PreviousInstallation"


class Journal:
    """Entries are appended under a lock; a torn last line is repaired by the next writer."""

    def __init__(self, home: Path) -> None:
        self._path = home / JOURNAL

    def append(self, entry: dict[str, Any]) -> None:
        """Add an entry durably; raise OSError."""
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        with self._locked():
            descriptor = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
            try:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    line = b"\n" + line
                if os.write(descriptor, line) != len(line):
                    os.ftruncate(descriptor, size)
                    raise OSError("the deployment journal could not be written")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def entries(self) -> list[dict[str, Any]]:
        """Return all readable entries, oldest first."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict):
                    found.append(entry)
        return found

    def forget(self, ids: set[str]) -> None:
        """Drop the entries with these ids, in one step; raise OSError."""
        if not ids:
            return
        with self._locked():
            kept = [entry for entry in self.entries() if str(entry.get("id")) not in ids]
            lines = [json.dumps(entry, separators=(",", ":")) + "\n" for entry in kept]
            write_private(self._path, "".join(lines))
            sync_folder(self._path.parent)

    def latest(self, retention_set: str, **wanted: Any) -> dict[str, Any] | None:
        """Return the newest entry of a retention set that has these fields."""
        wanted["retention_set"] = retention_set
        return next(
            (
                entry
                for entry in reversed(self.entries())
                if all(entry.get(key) == value for key, value in wanted.items())
            ),
            None,
        )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._path.with_suffix(".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def retention_set(context: Context) -> str:
    """Return the key under which installations succeed one another; by ids, not by names."""
    get = context.variables.get
    return "/".join(
        (
            get("Octopus.Environment.Id"),
            get("Octopus.Project.Id"),
            get("Octopus.Action.Id"),
            get("Octopus.Machine.Id"),
            get("Octopus.Deployment.Tenant.Id") or "<default>",
        )
    )


def record_deployment(context: Context, *, successful: bool) -> None:
    """Write the journal entry of this deployment, if something was installed."""
    package = context.command.primary
    if package is None or context.installed is None:
        return
    get = context.variables.get
    entry = {
        "id": context.command.id,
        "retention_set": retention_set(context),
        "environment_id": get("Octopus.Environment.Id"),
        "tenant_id": get("Octopus.Deployment.Tenant.Id"),
        "project_id": get("Octopus.Project.Id"),
        "package_id": package.package_id,
        "package_version": package.version,
        "package_sha256": package.sha256,
        "package_path": str(package.path),
        "installed_on": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "extracted_to": str(context.installed),
        "custom_directory": str(context.custom or ""),
        "successful": successful,
        "references": [
            {"package_id": each.package_id, "version": each.version}
            for each in context.command.references
        ],
    }
    try:
        Journal(context.command.home).append(entry)
    except OSError as error:
        context.output.warning(f"The deployment journal was not written: {error}")
    context.output.record({"t": "journal", **entry})


def set_previous_installation(context: Context) -> None:
    """Give scripts the directories and version of the last successful installation."""
    found = Journal(context.command.home).latest(retention_set(context), successful=True)
    if found is None:
        return
    for name, field in (
        ("OriginalInstalledPath", "extracted_to"),
        ("CustomInstallationDirectory", "custom_directory"),
        ("PackageVersion", "package_version"),
        ("PackageFilePath", "package_path"),
    ):
        context.variables.set(f"{_PREVIOUS}.{name}", str(found.get(field) or ""))
