"""Named points at which a test may kill, delay or break this process; off by default.

`OCTOPUS_FAILPOINTS="name=action[;name=action]"`, action = kill9 | raise | enospc | sleep:SECONDS,
each with an optional `@N` to act on the Nth hit alone.
"""

import errno
import os
import signal
import time

_points: dict[str, tuple[str, int]] = {}
_hits: dict[str, int] = {}


def hit(name: str) -> None:
    """Do what the environment asks for at this point; nothing when it asks for nothing."""
    if _points:
        _act(name)


def configure(text: str) -> None:
    """Replace the active points by those of the text; ValueError when it cannot be read."""
    _points.clear()
    _hits.clear()
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
    if nth and _hits[name] != nth:
        return
    if action == "kill9":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action.startswith("sleep:"):
        time.sleep(float(action[6:]))
    elif action == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    else:
        raise RuntimeError(f"failpoint {name}")


configure(os.environ.get("OCTOPUS_FAILPOINTS", ""))
