"""What storing a file in a folder asks of the disk."""

import os
import shutil
from pathlib import Path


def make_folder(folder: Path) -> list[Path]:
    """Make a folder; return it and those above it that were not there."""
    missing: list[Path] = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
    return missing


def sync_parents(made: list[Path]) -> None:
    """Force the names of folders to the disk."""
    for folder in made:
        sync_folder(folder.parent)


def link(source: Path, target: Path) -> bool:
    """Force the source to the disk and give it a second name; False when it cannot have that."""
    _sync(source, os.O_RDONLY)
    try:
        os.link(source, target)
    except OSError:  # there is a damaged file, another file system, or one without hard links
        return False
    return True


def copy(source: Path, target: Path) -> None:
    """Make the target a file of the same bytes that is on the disk."""
    shutil.copyfile(source, target)
    _sync(target, os.O_RDONLY)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
