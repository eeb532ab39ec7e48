"""Build the single-file agent: `python -m agent.runtime.zipapp FILE` prints its SHA-256.

Holds this package and websockets without compiled parts. The same input gives the same bytes.
"""

import hashlib
import importlib.util
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

_TIME = (1980, 1, 1, 0, 0, 0)
_SUFFIXES = frozenset({".py", ".sh", ".ps1", ".json", ".txt"})
# Parts of websockets that the agent never loads.
_LEFT_OUT = ("websockets/legacy/", "websockets/sync/", "websockets/trio/", "websockets/cli.py")
_MAIN = """\
import sys

from agent.runtime.cli import main

sys.exit(main())
"""


def build(target: Path) -> str:
    """Write the zipapp in one step and return its SHA-256 (hex)."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(b"#!/usr/bin/env -S python3 -I\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, content in sorted(_content()):
                entry = zipfile.ZipInfo(name, _TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content)
    temporary.chmod(0o755)
    digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    temporary.replace(target)
    return digest


def _content() -> Iterator[tuple[str, bytes]]:
    yield "__main__.py", _MAIN.encode()
    for package in ("agent", "websockets"):
        folder = _folder_of(package)
        for path in folder.rglob("*"):
            name = f"{package}/{path.relative_to(folder).as_posix()}"
            wanted = path.suffix in _SUFFIXES and path.is_file()
            if wanted and not name.startswith(_LEFT_OUT) and "__pycache__" not in name:
                yield name, path.read_bytes()


def _folder_of(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(package)
    return Path(found.origin).parent


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
