"""Unpack an archive into a new directory, safe against what hostile archives try."""

import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agent.runtime.behaviours import archive_readers as readers
from agent.runtime.behaviours.archive_readers import Entry, read_entries
from agent.runtime.behaviours.archive_rules import (
    ArchiveLimits,
    Budget,
    Names,
    UnsafeArchive,
    clean_name,
)
from agent.runtime.behaviours.paths import is_inside

_CHUNK = 256 * 1024
_MAX_NOTES = 20


@dataclass(slots=True)
class Unpacked:
    """What was unpacked; `left_out` names entries that were not, with the reason."""

    files: int = 0
    bytes: int = 0
    left_out: list[str] = field(default_factory=list)
    collisions: list[str] = field(default_factory=list)


def unpack(
    archive: Path,
    extension: str,
    target: Path,
    *,
    limits: ArchiveLimits | None = None,
    check: Callable[[], None] = lambda: None,
) -> Unpacked:
    """Unpack into the existing, empty directory `target`, which nobody else writes to.

    `check` is called often and may raise to stop. Links that lead outside and device files are
    left out. Raise UnsafeArchive or OSError; then part of the content may be there.
    """
    if not readers.supported(extension):
        raise UnsafeArchive(f"archives of the type {extension or '(none)'} are not supported")
    budget = Budget(limits or ArchiveLimits(), archive.stat().st_size)
    unpacker = _Unpacker(target, budget, check, allow_again=not extension.endswith("zip"))
    for entry in read_entries(archive, extension, budget):
        check()
        unpacker.take(entry)
    unpacker.finish()
    unpacker.result.bytes = budget.unpacked
    return unpacker.result


class _Unpacker:
    def __init__(
        self, target: Path, budget: Budget, check: Callable[[], None], *, allow_again: bool
    ) -> None:
        self._target = target
        self._budget = budget
        self._check = check
        self._allow_again = allow_again
        self._names = Names(folds_case=folds_case(target))
        self._made = {""}
        self._links: list[tuple[str, str]] = []
        self._modes: list[tuple[str, int]] = []
        self.result = Unpacked()

    def take(self, entry: Entry) -> None:
        if entry.kind == readers.DIRECTORY:
            self._note(entry.path, collides=self._names.take_directory(entry.path))
            self._make(entry.path)
            if entry.mode and entry.path:
                self._modes.append((entry.path, entry.mode))
        elif entry.kind == readers.SPECIAL:
            self._leave_out(entry.path, "it is neither file, folder nor link")
        else:
            collides = self._names.take_file(entry.path, again=self._allow_again)
            self._note(entry.path, collides=collides)
            self._make(entry.path.rpartition("/")[0])
            if entry.kind == readers.SYMLINK:
                self._links.append((entry.path, entry.link))
            elif entry.kind == readers.HARDLINK:
                self._copy_link(entry)
            else:
                self._write(entry)

    def finish(self) -> None:
        """Make links last, so that no entry is ever written through one."""
        for path, link in self._links:
            place = self._target / path
            place.unlink(missing_ok=True)
            if link.startswith("/") or "\0" in link or not link:
                self._leave_out(path, "it is a link that leads outside")
                continue
            place.symlink_to(link)
        for path, _link in self._links:
            place = self._target / path
            if place.is_symlink() and not self._stays_inside(place):
                place.unlink()
                self._leave_out(path, "it is a link that leads outside")
        for path, mode in reversed(self._modes):
            (self._target / path).chmod(mode & 0o777 | 0o700)

    def _stays_inside(self, place: Path) -> bool:
        try:
            return is_inside(self._target, place)
        except (OSError, RuntimeError):
            return False

    def _make(self, path: str) -> None:
        if path in self._made:
            return
        self._make(path.rpartition("/")[0])
        with contextlib.suppress(FileExistsError):
            (self._target / path).mkdir(mode=0o755)
        self._made.add(path)

    def _write(self, entry: Entry) -> None:
        source = entry.open()
        if source is None:
            raise UnsafeArchive(f"{entry.path!a} cannot be read")
        place = self._target / entry.path
        descriptor = self._create(place, entry.mode)
        with source, os.fdopen(descriptor, "wb") as file:
            try:
                while chunk := source.read(_CHUNK):
                    self._budget.take_bytes(len(chunk))
                    file.write(chunk)
                    self._check()
            except readers.read_broken() as error:
                raise UnsafeArchive(f"{entry.path!a} is damaged: {error}") from error
            file.flush()
            if entry.mtime is not None:
                with contextlib.suppress(OSError, OverflowError, ValueError):
                    os.utime(file.fileno(), (entry.mtime, entry.mtime))
        self.result.files += 1

    def _create(self, place: Path, mode: int) -> int:
        if self._allow_again:
            place.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(place, flags, 0o600)
        os.fchmod(descriptor, mode & 0o777 | 0o600 if mode else 0o644)
        return descriptor

    def _copy_link(self, entry: Entry) -> None:
        """A hard link becomes a copy of an entry that has been unpacked before."""
        source = self._target / clean_name(entry.link, backslashes=False)
        if not source.is_file() or source.is_symlink():
            self._leave_out(entry.path, "it is a link to something that is not there")
            return
        place = self._target / entry.path
        if place == source:
            return
        self._budget.take_bytes(source.stat().st_size)
        place.unlink(missing_ok=True)
        shutil.copy2(source, place)
        self.result.files += 1

    def _leave_out(self, path: str, reason: str) -> None:
        if len(self.result.left_out) < _MAX_NOTES:
            self.result.left_out.append(f"{path} was left out: {reason}")

    def _note(self, path: str, *, collides: bool) -> None:
        if collides and len(self.result.collisions) < _MAX_NOTES:
            self.result.collisions.append(path)


def folds_case(directory: Path) -> bool:
    """Tell whether the file system of an existing directory ignores case in names."""
    probe = directory / ".octopus-Case-Probe"
    probe.touch()
    try:
        return (directory / ".octopus-case-probe").exists()
    finally:
        probe.unlink()
