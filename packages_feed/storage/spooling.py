"""The folder of uploads that are under way."""

import contextlib
from datetime import datetime
from pathlib import Path


def drop_old_files(folder: Path, before: datetime) -> int:
    """Delete files that nobody has written to since then; return how many."""
    count = 0
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime < before.timestamp():
                path.unlink()
                count += 1
    return count
