"""Keeps files that a script hands over, so that they are still there when it has ended."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from agent.contracts import limits
from agent.contracts.masking import Masker, Secrets

FOLDER = "artifacts"
INDEX = "index"
_PIECE = 1024 * 1024


class KeptFiles:
    """The artifacts of one command: files called 1, 2, … and a line of JSON for each."""

    def __init__(self, cmd_dir: Path) -> None:
        self._folder = cmd_dir / FOLDER
        self._count = 0

    def keep(self, path: Path, name: str, secrets: Secrets) -> tuple[Mapping[str, int], bool]:
        """Keep a file under its number, its secrets masked; raises OSError.

        Return number and length, and whether there were secrets in it.
        """
        if self._count >= limits.MAX_ARTIFACTS:
            raise OSError(f"a step can hand over at most {limits.MAX_ARTIFACTS} artifacts")
        if not path.is_file():
            raise OSError("it is no file any more")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        number = self._count + 1
        target = self._folder / str(number)
        # What a failed attempt has left may be a link to a file of the script: never write into it.
        target.unlink(missing_ok=True)
        is_masked = _holds_secret(path, secrets)
        if is_masked:
            _copy_masked(path, target, secrets)
        else:
            _take(path, target)
        with (self._folder / INDEX).open("a", encoding="utf-8") as index:
            index.write(json.dumps({"number": number, "name": name}) + "\n")
        self._count = number
        return {"number": number, "length": target.stat().st_size}, is_masked


def _take(path: Path, target: Path) -> None:
    try:
        os.link(path.resolve(strict=True), target)
    except OSError:
        # Another file system, or a file of somebody else.
        shutil.copyfile(path, target)


def _holds_secret(path: Path, secrets: Secrets) -> bool:
    """Tell whether a secret is anywhere in the file, in a form that is masked in logs."""
    if not secrets.forms:
        return False
    longest = max(map(len, secrets.forms))
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(_PIECE):
            data = tail + piece
            if any(form in data for form in secrets.forms):
                return True
            tail = data[-longest:]
    return False


def _copy_masked(path: Path, target: Path, secrets: Secrets) -> None:
    masker = Masker(secrets)
    with path.open("rb") as source, target.open("xb") as file:
        while piece := source.read(_PIECE):
            file.write(masker.feed(piece))
        file.write(masker.flush())
