"""The rules for what an archive may contain; the agent that unpacks it checks again."""

import hashlib
import posixpath
import re
from array import array
from dataclasses import dataclass
from itertools import pairwise

from deployments.base.errors import Invalid
from packages_feed.ingest.limits import Limits, readable

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MAX_PATH = 3000
_MAX_PART = 255
_MAX_DEPTH = 100


@dataclass
class Budget:
    """What the entries seen so far come to; raises Invalid beyond a limit."""

    limits: Limits
    packed: int
    most_entries: int
    unpacked: int = 0
    entries: int = 0

    def take(self, size: int) -> None:
        """Count one entry of `size` unpacked bytes."""
        self.entries += 1
        if self.entries > self.most_entries:
            raise Invalid(f"The archive has more than {self.most_entries} entries.")
        self.unpacked += size
        if self.unpacked > self.limits.unpacked:
            raise Invalid(f"The archive unpacks to more than {readable(self.limits.unpacked)}.")
        allowed = self.limits.ratio * max(1, self.packed)
        if self.unpacked > self.limits.ratio_from and self.unpacked > allowed:
            raise Invalid(
                f"The archive unpacks to more than {self.limits.ratio} times its own size."
            )


class FileNames:
    """The files of an archive seen so far, eight bytes for each, and the folders that they are in.

    Two files of one name are one file after unpacking; which, depends on who unpacks.
    """

    def __init__(self, most_folders: int) -> None:
        self._most_folders = most_folders
        self._files = array("Q")
        self._folders: set[int] = set()
        self._last = ""

    def add(self, name: str) -> None:
        """Note the file, however its path is spelled."""
        path = _plain(name)
        if path == ".":
            raise Invalid("The archive has a file without a name.")
        self._files.append(_digest(path))
        folder = posixpath.dirname(path)
        if folder != self._last:
            self._last = folder
            self._note_folders(folder)

    def add_folder(self, name: str) -> None:
        """Note an entry that is a folder."""
        self._note_folders(_plain(name))

    def _note_folders(self, folder: str) -> None:
        while folder and folder != ".":
            before = len(self._folders)
            self._folders.add(_digest(folder))
            if len(self._folders) == before:
                return
            if len(self._folders) > self._most_folders:
                raise Invalid(f"The archive has more than {self._most_folders} folders.")
            folder = posixpath.dirname(folder)

    def require_different(self) -> None:
        """Raise Invalid when a name came twice, or for a file and for a folder."""
        if any(one == other for one, other in pairwise(sorted(self._files))):
            raise Invalid("The archive has two files of the same name.")
        if not self._folders.isdisjoint(self._files):
            raise Invalid("The archive has a file and a folder of the same name.")


def _plain(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/"))


def _digest(path: str) -> int:
    text = path.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def check_name(name: str, *, backslashes: bool) -> None:
    """Raise Invalid for a path that leaves the folder it is unpacked to, or cannot exist."""
    path = name.replace("\\", "/") if backslashes else name
    shown = ascii(name[:100])
    if _CONTROL.search(path) or len(path) > _MAX_PATH:
        raise Invalid(f"The archive has an entry with the impossible name {shown}.")
    parts = path.split("/")
    longest = max(map(len, parts)) if path.isascii() else max(map(_length, parts))
    if longest > _MAX_PART or len(parts) > _MAX_DEPTH:
        raise Invalid(f"The archive has an entry whose name {shown} is too long.")
    if path.startswith("/") or _DRIVE.match(path) or ".." in parts:
        raise Invalid(f"The archive has the entry {shown}, which leads out of the package.")


def _length(part: str) -> int:
    return len(part.encode("utf-8", "surrogateescape"))


def check_link(name: str, target: str, *, from_root: bool = False) -> None:
    """Raise Invalid for a link that leads out; a hard link's target counts `from_root`."""
    folder = "" if from_root else posixpath.dirname(name.strip("/"))
    resolved = posixpath.normpath(posixpath.join(folder, target))
    if target.startswith("/") or "\\" in target or resolved.split("/")[0] == "..":
        raise Invalid(f"The archive has the link {name[:100]!a}, which leads out of the package.")
    if _CONTROL.search(target) or len(target) > _MAX_PATH:
        raise Invalid(f"The archive has the link {name[:100]!a} to an impossible name.")
