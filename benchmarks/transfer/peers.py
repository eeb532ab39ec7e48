"""What other tools send for the same update: rdiff and Octodiff of the archives, rsync of files."""

import re
import resource
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.transfer.pairs import Pair


@dataclass(frozen=True)
class Sent:
    """Bytes from the server to the agent; seconds of processor time, both ends of rsync in one."""

    way: str
    size: int
    server_s: float
    agent_s: float | None = None
    memory: int | None = None


def peers(pair: Pair, folder: Path) -> list[Sent]:
    """Measure those that are installed."""
    found = []
    if shutil.which("octodiff"):
        found.append(_octodiff(pair, folder))
    if shutil.which("rdiff"):
        found.append(_rdiff(pair, folder))
    if shutil.which("rsync"):
        found.append(_rsync(pair, folder))
    return found


def _octodiff(pair: Pair, folder: Path) -> Sent:
    """Octopus's agents make the signature, its server the delta."""
    signature, delta, made = (folder / name for name in ("octosig", "octodelta", "octomade"))
    agent = _seconds(["octodiff", "signature", str(pair.old), str(signature)])
    server = _seconds(["octodiff", "delta", str(signature), str(pair.new), str(delta)])
    agent += _seconds(["octodiff", "patch", str(pair.old), str(delta), str(made)])
    if made.read_bytes() != pair.new.read_bytes():
        raise AssertionError("Octodiff made another file")
    return Sent("Octodiff of the archives", delta.stat().st_size, server, agent)


def _rdiff(pair: Pair, folder: Path) -> Sent:
    signature, delta, made = (folder / name for name in ("signature", "delta", "made"))
    server = _seconds(["rdiff", "-f", "-b", "2048", "signature", str(pair.old), str(signature)])
    server += _seconds(["rdiff", "-f", "delta", str(signature), str(pair.new), str(delta)])
    agent = _seconds(["rdiff", "-f", "patch", str(pair.old), str(delta), str(made)])
    if made.read_bytes() != pair.new.read_bytes():
        raise AssertionError("rdiff made another file")
    return Sent("rdiff of the archives, blocks of 2 KiB", delta.stat().st_size, server, agent)


def _rsync(pair: Pair, folder: Path) -> Sent:
    old, new = folder / "rsync-old", folder / "rsync-new"
    for archive, place in ((pair.old, old), (pair.new, new)):
        shutil.rmtree(place, ignore_errors=True)
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(place)
    command = ["rsync", "-a", "-z", "-c", "--delete", "--no-whole-file", "--stats"]
    before = _children()
    done = subprocess.run(
        [*command, f"{new}/", f"{old}/"], check=True, capture_output=True, text=True
    )
    seconds = _children() - before
    sent = re.search(r"Total bytes sent: ([0-9,.]+)", done.stdout)
    if sent is None:
        raise AssertionError(done.stdout)
    return Sent("rsync -z of the unpacked files", int(re.sub(r"[,.]", "", sent[1])), seconds)


def _seconds(command: list[str]) -> float:
    before = _children()
    subprocess.run(command, check=True, capture_output=True)
    return _children() - before


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
