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
    """The files of an archive seen so far, eight bytes for each.

    Two files of one name are one file after unpacking; which, depends on who unpacks.
    """

    def __init__(self) -> None:
        self._digests = array("Q")

    def add(self, name: str) -> None:
        """Note the file, however its path is spelled."""
        path = posixpath.normpath(name.replace("\\", "/")).encode("utf-8", "surrogateescape")
        digest = hashlib.blake2b(path, digest_size=8).digest()
        self._digests.append(int.from_bytes(digest, "big"))

    def require_different(self) -> None:
        """Raise Invalid when a name came twice."""
        if any(one == other for one, other in pairwise(sorted(self._digests))):
            raise Invalid("The archive has two files of the same name.")


def check_name(name: str, *, backslashes: bool) -> None:
    """Raise Invalid for a path that leaves the folder it is unpacked to, or cannot exist."""
    path = name.replace("\\", "/") if backslashes else name
    shown = ascii(name[:100])
    if _CONTROL.search(path) or len(path) > _MAX_PATH:
        raise Invalid(f"The archive has an entry with the impossible name {shown}.")
    if path.startswith("/") or _DRIVE.match(path) or ".." in path.split("/"):
        raise Invalid(f"The archive has the entry {shown}, which leads out of the package.")


def check_link(name: str, target: str, *, from_root: bool = False) -> None:
    """Raise Invalid for a link that leads out; a hard link's target counts `from_root`."""
    folder = "" if from_root else posixpath.dirname(name.strip("/"))
    resolved = posixpath.normpath(posixpath.join(folder, target))
    if target.startswith("/") or "\\" in target or resolved.split("/")[0] == "..":
        raise Invalid(f"The archive has the link {name[:100]!a}, which leads out of the package.")
    if _CONTROL.search(target) or len(target) > _MAX_PATH:
        raise Invalid(f"The archive has the link {name[:100]!a} to an impossible name.")
