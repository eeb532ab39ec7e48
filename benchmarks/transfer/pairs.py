"""Pairs of versions of a package: one that is made, and real ones from PyPI."""

import random
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# As in a usual package: many small files, few large ones, 2 % of them changed.
_BYTES, _SHORT_BYTES = 170_000_000, 8_000_000
_LARGEST, _SHORT_LARGEST = 14_500_000, 500_000
_CHANGED = 0.02
_SCATTERED = 2000
_REAL = (("numpy", "2.3.2", "2.3.3"), ("django", "5.2.5", "5.2.6"))


@dataclass(frozen=True)
class Pair:
    """Two archives, one for each version."""

    name: str
    old: Path
    new: Path


def made_pairs(folder: Path, *, short: bool) -> list[Pair]:
    """Pack what is installed here, and the same with changes: with old times and with new ones."""
    most, largest = (_SHORT_BYTES, _SHORT_LARGEST) if short else (_BYTES, _LARGEST)
    files = _chosen(most, largest)
    changed = set(random.Random(1).sample(range(len(files)), max(1, int(len(files) * _CHANGED))))
    changed.add(max(range(len(files)), key=lambda number: files[number][1].stat().st_size))
    old, new, stamped = (folder / name for name in ("old.zip", "new.zip", "stamped.zip"))
    _pack(old, files, set(), 2024)
    _pack(new, files, changed, 2024)
    _pack(stamped, files, changed, 2025)
    return [
        Pair("2 % of the files changed", old, new),
        Pair("the same, every entry stamped anew", old, stamped),
    ]


def real_pairs(folder: Path) -> Iterator[Pair]:
    """Fetch versions of packages from PyPI; what cannot be fetched is left out."""
    for name, *versions in _REAL:
        found: list[Path] = []
        for version in versions:
            place = folder / f"{name}-{version}"
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
            command += ["--only-binary=:all:", "-d", str(place), f"{name}=={version}"]
            subprocess.run(command, check=False, capture_output=True, timeout=60)
            found += place.glob("*.whl")
        if len(found) == len(versions):
            yield Pair(f"{name} {versions[0]} to {versions[1]}", *found)


def _chosen(most: int, largest: int) -> list[tuple[str, Path]]:
    root = Path(sysconfig.get_path("purelib"))
    found = [path for path in sorted(root.rglob("*")) if path.is_file()]
    found = [path for path in found if 0 < path.stat().st_size < largest]
    random.Random(2).shuffle(found)
    first = max(found, key=lambda path: path.stat().st_size)
    chosen, size = [], 0
    for path in [first, *(path for path in found if path != first)]:
        chosen.append((path.relative_to(root).as_posix(), path))
        size += path.stat().st_size
        if size > most:
            break
    return sorted(chosen)


def _pack(target: Path, files: list[tuple[str, Path]], changed: set[int], year: int) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for number, (name, path) in enumerate(files):
            content = path.read_bytes()
            if number in changed:
                content = _changed(content, random.Random(number))
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


def _changed(content: bytes, numbers: random.Random) -> bytes:
    """Change four bytes in every two thousand, and insert some, as a rebuild does."""
    changed = bytearray(content)
    for _ in range(len(content) // _SCATTERED + 1):
        place = numbers.randrange(len(changed))
        changed[place : place + 4] = numbers.randbytes(4)
    place = numbers.randrange(len(changed))
    changed[place:place] = numbers.randbytes(64)
    return bytes(changed)
