"""Files that have a name in a directory, and their bytes in memory only."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from agent.runtime.runner import posix

_OPEN = "/proc/self/fd/"


@contextlib.contextmanager
def memory_file(path: Path, data: bytes) -> Iterator[int]:
    """Let `path` name the bytes for children that are given the descriptor, which is returned.

    Only where posix.HAS_MEMORY_FILES. The name is a link, so nothing of the bytes reaches the disk,
    also when this process is killed. Raises FileExistsError.
    """
    descriptor = posix.secret_descriptor(data)
    try:
        path.symlink_to(f"{_OPEN}{descriptor}")
        try:
            yield descriptor
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def remove_stale(path: Path) -> None:
    """Remove the name that a killed process left behind."""
    if path.is_symlink() and str(path.readlink()).startswith(_OPEN):
        path.unlink()
