"""What an archive may contain: names, sizes, counts. Pure; nothing here touches the disk."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

_DRIVE = re.compile(r"^[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MAX_COMPONENT_BYTES = 255
_MAX_PATH_BYTES = 3000
_MAX_DEPTH = 100


class UnsafeArchive(Exception):
    """The archive is broken, or made to do harm; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds on what an archive may grow to, in bytes and entries.

    The ratio of unpacked to packed size counts only beyond `ratio_from` bytes.
    """

    max_bytes: int = 1 << 40
    max_entries: int = 1_000_000
    max_ratio: int = 250
    ratio_from: int = 256 * 1024 * 1024


@dataclass(slots=True)
class Budget:
    """Count what has been unpacked; raise UnsafeArchive beyond a limit."""

    limits: ArchiveLimits
    packed_size: int
    unpacked: int = 0
    entries: int = 0

    def take_entry(self) -> None:
        self.entries += 1
        if self.entries > self.limits.max_entries:
            raise UnsafeArchive(f"it has more than {self.limits.max_entries} entries")

    def take_bytes(self, count: int) -> None:
        self.unpacked += count
        if self.unpacked > self.limits.max_bytes:
            raise UnsafeArchive(f"it unpacks to more than {self.limits.max_bytes} bytes")
        ratio_counts = self.unpacked > self.limits.ratio_from
        if ratio_counts and self.unpacked > self.limits.max_ratio * max(1, self.packed_size):
            raise UnsafeArchive(
                f"it unpacks to more than {self.limits.max_ratio} times its own size"
            )


def clean_name(name: str, *, backslashes: bool) -> str:
    """Return an entry's path with `/` and without `.`, "" for the root itself.

    `backslashes` says that they separate too, as in zip files made on Windows.
    Raise UnsafeArchive for a path that is absolute, leads upwards or cannot exist.
    """
    shown = ascii(name[:200])
    path = name.replace("\\", "/") if backslashes else name
    if _CONTROL.search(path):
        raise UnsafeArchive(f"the name {shown} has control characters")
    if path.startswith("/") or _DRIVE.match(path):
        raise UnsafeArchive(f"the name {shown} is absolute")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UnsafeArchive(f"the name {shown} leads out of the folder")
    sizes = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    if len(parts) > _MAX_DEPTH or sum(sizes) > _MAX_PATH_BYTES:
        raise UnsafeArchive(f"the name {shown} is too long")
    if any(size > _MAX_COMPONENT_BYTES for size in sizes):
        raise UnsafeArchive(f"the name {shown} is too long")
    return "/".join(parts)


def nupkg_name(name: str) -> str:
    """Return the file name that a part of a NuGet package stands for (%20 and the like)."""
    return unquote(name, errors="surrogateescape")


def is_packaging(path: str) -> bool:
    """Tell whether a cleaned path belongs to the wrapping of a NuGet package."""
    lower = path.lower()
    if lower in ("[content_types].xml", ".signature.p7s"):
        return True
    if lower.startswith(("_rels/", "package/services/metadata/")) or lower == "_rels":
        return True
    return "/" not in lower and lower.endswith(".nuspec")


@dataclass(slots=True)
class Names:
    """The paths taken so far; find entries that would overwrite one another.

    `folds_case`: the file system treats names alike that differ in case only.
    """

    folds_case: bool
    _files: set[str] = field(default_factory=set)
    _directories: set[str] = field(default_factory=set)
    _folded: dict[str, str] = field(default_factory=dict)

    def take_directory(self, path: str) -> bool:
        """Take a directory; return whether it or a parent collides by case alone."""
        collides = self._take_parents(path)
        if not path:
            return collides
        if path in self._files:
            raise UnsafeArchive(f"{path!a} is both a file and a folder")
        self._directories.add(path)
        return self._fold(path) or collides

    def take_file(self, path: str, *, again: bool) -> bool:
        """Take a file; `again` allows the same name twice, the last one counting."""
        if not path or path in self._directories:
            raise UnsafeArchive(f"{path!a} is both a file and a folder")
        if path in self._files and not again:
            raise UnsafeArchive(f"the name {path!a} occurs twice")
        collides = self._take_parents(path)
        self._files.add(path)
        return self._fold(path) or collides

    def _take_parents(self, path: str) -> bool:
        collides = False
        at = path.find("/")
        while at >= 0:
            parent = path[:at]
            if parent not in self._directories:
                collides = self.take_directory(parent) or collides
            at = path.find("/", at + 1)
        return collides

    def _fold(self, path: str) -> bool:
        other = self._folded.setdefault(path.casefold(), path)
        if other == path:
            return False
        if self.folds_case:
            raise UnsafeArchive(f"{other!a} and {path!a} are the same name here")
        return True
