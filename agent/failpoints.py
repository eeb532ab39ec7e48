"""Named points at which a test may kill, delay or break this process; off by default.

`OCTOPUS_FAILPOINTS="name=action[;name=action]"`, action = kill9 | raise | sleep:SECONDS |
until:PATH (waits for that file) or the name of an error of the system such as enospc, each with an
optional `@N` to act on the Nth hit alone.
`OCTOPUS_FAILPOINTS_FOLDER` names a folder in which a test may put a file NAME with an action at any
time: the first process of those that share the folder to come by takes it away and acts, once.
"""

import errno
import os
import signal
import time
from pathlib import Path

TAKEN = ".taken"

_points: dict[str, tuple[str, int]] = {}
_hits: dict[str, int] = {}
_folder: list[Path] = []


def hit(name: str) -> None:
    """Do what the environment asks for at this point; nothing when it asks for nothing."""
    if _points:
        _act(name)
    if _folder:
        _take(name)


def configure(text: str, folder: str = "") -> None:
    """Replace the active points by those of the text; ValueError when it cannot be read."""
    _points.clear()
    _hits.clear()
    _folder[:] = [Path(folder)] if folder else []
    for part in filter(None, text.split(";")):
        name, separator, action = part.partition("=")
        if not separator:
            raise ValueError(f"failpoint without an action: {part}")
        action, _, nth = action.partition("@")
        _points[name.strip()] = (action, int(nth) if nth else 0)


def _act(name: str) -> None:
    action, nth = _points.get(name, ("", 0))
    if not action:
        return
    _hits[name] = _hits.get(name, 0) + 1
    if not nth or _hits[name] == nth:
        _do(name, action)


def _take(name: str) -> None:
    file, taken = _folder[0] / name, _folder[0] / f"{name}{TAKEN}"
    try:
        file.rename(taken)
    except OSError:
        return
    _do(name, taken.read_text().strip())


def _do(name: str, action: str) -> None:
    if action == "kill9":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action.startswith("sleep:"):
        time.sleep(float(action[6:]))
    elif action.startswith("until:"):
        while not Path(action[6:]).exists():
            time.sleep(0.02)
    elif (number := getattr(errno, action.upper(), None)) is not None:
        raise OSError(number, os.strerror(number))
    else:
        raise RuntimeError(f"failpoint {name}")


configure(os.environ.get("OCTOPUS_FAILPOINTS", ""), os.environ.get("OCTOPUS_FAILPOINTS_FOLDER", ""))
