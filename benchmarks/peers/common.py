"""What the other tools have in common: their own environments, and how one is timed."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.tools.install import ROOT, TOOLS, InstallError, pip

REQUIREMENTS = {
    "peers": ROOT / "benchmarks" / "peers" / "requirements.txt",
    "salt": ROOT / "benchmarks" / "peers" / "salt-requirements.txt",
}
_PATIENCE = 120.0


class PeerMissing(Exception):
    """A tool cannot be used here; the text says why in one line."""


@dataclass(frozen=True)
class Peer:
    """A tool: `run` takes a number of targets and a command, and returns the seconds."""

    name: str
    most: int
    run: Callable[[int, str], float]


def environment_of(name: str) -> Path:
    """Return the folder of programs of one environment, installed on first use."""
    home, requirements = TOOLS / name, REQUIREMENTS[name]
    stamp = home / ".installed"
    if not stamp.is_file() or stamp.read_bytes() != requirements.read_bytes():
        try:
            _install(home, requirements)
        except (InstallError, subprocess.SubprocessError, OSError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise PeerMissing(str(said).strip().splitlines()[-1]) from error
        stamp.write_bytes(requirements.read_bytes())
    return home / "bin"


def install_all() -> None:
    """Install every tool; one that cannot be installed is told of when it is measured."""
    for name in REQUIREMENTS:
        with suppress(PeerMissing):
            environment_of(name)


def timed(
    command: Sequence[str | Path],
    expected: int,
    answer: str,
    *,
    environment: Mapping[str, str],
    folder: Path,
) -> float:
    """Return the seconds of a command; RuntimeError unless the answer came so many times."""
    began = time.perf_counter()
    result = subprocess.run(
        [str(word) for word in command],
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    seconds = time.perf_counter() - began
    found = sum(line.rstrip().endswith(answer) for line in result.stdout.splitlines())
    if result.returncode or found < expected:
        raise RuntimeError(f"{command[0]} answered {found} times: {result.stdout[-2000:]}")
    return seconds


def _install(home: Path, requirements: Path) -> None:
    print(f"  installing {requirements.name} …", file=sys.stderr)
    _quietly([sys.executable, "-m", "venv", "--clear", "--without-pip", str(home)])
    install = ["install", "-q", "--disable-pip-version-check", "-r", str(requirements)]
    _quietly([*pip(), "--python", str(home / "bin" / "python"), *install])


def _quietly(command: Sequence[str]) -> None:
    subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=5 * _PATIENCE,
        check=True,
    )
