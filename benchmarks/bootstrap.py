"""What a bash script pays for 300 variables before its first line runs."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from agent.runtime.runner import posix
from agent.runtime.runner.script import BASH
from benchmarks.results import Section, grid, percentile

_VARIABLES = 300
_ROUNDS, _SHORT_ROUNDS = 200, 20
_GOAL_MS = 6.0


def run(*, short: bool) -> Section:
    """Start an empty script bare, with the bootstrap, and with 300 variables, in turns."""
    rounds = _SHORT_ROUNDS if short else _ROUNDS
    values = [f"Project.Setting[{n}].Value\0The value of setting {n}\0" for n in range(_VARIABLES)]
    many = "".join(values).encode()
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.sh"
        script.write_text("true\n", encoding="ascii")
        for _ in range(rounds):
            for name, argv, data in (
                ("bare bash", ["bash", "--noprofile", "--norc", str(script)], b""),
                ("bootstrap", None, b"Name\0value\0"),
                (f"bootstrap with {_VARIABLES} variables", None, many),
            ):
                times.setdefault(name, []).append(_run(script, argv, data))
    middle = {name: percentile(found, 50) * 1000 for name, found in times.items()}
    bare, *_, full = middle.values()
    section = Section()
    section.add(f"start of a script with {_VARIABLES} variables", full, "ms", at_most=_GOAL_MS)
    section.add("of it, what bash alone takes", bare, "ms")
    rows = [
        [name, f"{middle[name]:.1f}", f"{percentile(found, 90) * 1000:.1f}"]
        for name, found in times.items()
    ]
    section.remarks.append(grid(["to the end of an empty script", "median, ms", "p90, ms"], rows))
    return section


def _run(script: Path, argv: list[str] | None, data: bytes) -> float:
    descriptor = posix.secret_descriptor(data)
    if argv is None:
        argv = BASH.argv(str(BASH.installed), descriptor, str(script), "")
    began = time.perf_counter()
    subprocess.run(argv, pass_fds=(descriptor,), check=True, stdin=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    os.close(descriptor)
    return seconds
