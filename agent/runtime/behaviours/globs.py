"""Find files by the patterns that users write: `*`, `**`, `?`, `[ab]`, `{one,two}`."""

import glob
import re
from pathlib import Path

from agent.runtime.behaviours.paths import is_inside

_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MAX_ALTERNATIVES = 1000


def expand_braces(pattern: str) -> list[str]:
    """Return the pattern once per alternative."""
    done: list[str] = []
    todo = [pattern]
    while todo and len(todo) + len(done) <= _MAX_ALTERNATIVES:
        current = todo.pop(0)
        match = _BRACES.search(current)
        if match is None:
            done.append(current)
            continue
        todo += [
            current[: match.start()] + choice + current[match.end() :]
            for choice in match.group(1).split(",")
        ]
    return done + todo


def find_files(root: Path, pattern: str) -> list[Path]:
    """Return the files under `root` that match, sorted; files elsewhere never match."""
    normal = pattern.replace("\\", "/")
    prefix = f"{root}/"
    normal = normal.removeprefix(prefix) if normal.startswith(prefix) else normal
    if (root / normal).is_file() and is_inside(root, root / normal):
        return [root / normal]
    found: set[Path] = set()
    for each in expand_braces(normal):
        if each.startswith("/"):
            continue
        # Path.glob would not find hidden files below `**`, nor stay quiet about odd patterns.
        for match in glob.iglob(each, root_dir=root, recursive=True, include_hidden=True):  # noqa: PTH207
            path = root / match
            if path.is_file() and is_inside(root, path):
                found.add(path)
    return sorted(found)
