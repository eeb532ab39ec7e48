"""Keeps files that a script hands over, so that they are still there when it has ended."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from agent.contracts import limits

FOLDER = "artifacts"
INDEX = "index"


class KeptFiles:
    """The artifacts of one command: files called 1, 2, … and a line of JSON for each."""

    def __init__(self, cmd_dir: Path) -> None:
        self._folder = cmd_dir / FOLDER
        self._count = 0

    def keep(self, path: Path, name: str) -> Mapping[str, int]:
        """Keep a file under its number; return number and length. Raises OSError."""
        if self._count >= limits.MAX_ARTIFACTS:
            raise OSError(f"a step can hand over at most {limits.MAX_ARTIFACTS} artifacts")
        if not path.is_file():
            raise OSError("it is no file any more")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        number = self._count + 1
        target = self._folder / str(number)
        # What a failed attempt has left may be a link to a file of the script: never write into it.
        target.unlink(missing_ok=True)
        try:
            os.link(path.resolve(strict=True), target)
        except OSError:
            # Another file system, or a file of somebody else.
            shutil.copyfile(path, target)
        with (self._folder / INDEX).open("a", encoding="utf-8") as index:
            index.write(json.dumps({"number": number, "name": name}) + "\n")
        self._count = number
        return {"number": number, "length": target.stat().st_size}
