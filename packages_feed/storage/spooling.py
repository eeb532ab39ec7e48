"""The folder of uploads that are under way."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path


def old_files(folder: Path, before: datetime) -> Iterator[Path]:
    """Return the files that nobody has written to since then."""
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime < before.timestamp():
                yield path


def drop_old_files(folder: Path, before: datetime) -> int:
    """Delete them; return how many."""
    count = 0
    for path in old_files(folder, before):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            count += 1
    return count
