"""What must hold whatever was broken: ten invariants over rows, witness, log and processes."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.harness.records import Execution, Records
from tests.faults.harness.scripts import SECRET, Script, Witness

_MOST_STATE = 64 * 1024 * 1024
_MOST_MEMORY_KB = 400 * 1024
_ENDED = {"Succeeded", "Failed", "Canceled", "Skipped", "Lost"}


@dataclass(frozen=True)
class Run:
    """One deployment: what was asked, and the task as the API gave it in the end."""

    deployment_id: str
    task: Mapping[str, Any]
    script: Script
    machines: tuple[str, ...]


def violations_of(run: Run, records: Records, witness: Iterable[Witness]) -> list[str]:
    """Return every broken promise about one deployment that has ended, I1 to I5."""
    mine = [line for line in witness if line.deployment_id == run.deployment_id]
    starts = Counter(line.machine for line in mine if line.what == "start")
    ends = Counter(line.machine for line in mine if line.what == "end")
    rows = records.executions(run.task["Id"])
    logs = records.logs(run.task["Id"])
    found = [f"I1 {machine} started {n} times" for machine, n in starts.items() if n > 1]
    found += [f"I2 {row.machine} is {row.state}" for row in rows if row.state not in _ENDED]
    if not run.task["IsCompleted"]:
        found.append(f"I2 the task is {run.task['State']}")
    for row in rows:
        found += _of_one(run, row, logs.get(row.machine, b""), starts, ends)
    return [f"{run.deployment_id}: {text}" for text in found]


def _of_one(
    run: Run, row: Execution, stored: bytes, starts: Mapping[str, int], ends: Mapping[str, int]
) -> list[str]:
    """Return the broken promises about one execution."""
    found = []
    printed = run.script.printed(run.deployment_id, row.machine)
    lines = [line for line in stored.splitlines(keepends=True) if run.script.is_own(line)]
    own, has_ended = b"".join(lines), row.exit_code == run.script.exit_code
    if row.state == "Succeeded" and stored != printed:
        found.append(f"I3 {row.machine}: {len(stored)} of {len(printed)} bytes")
    elif row.state == "Failed" and has_ended and own != printed:
        found.append(f"I3 {row.machine}: {len(own)} of {len(printed)} bytes")
    elif not printed.startswith(own):
        found.append(f"I3 {row.machine}: what is stored was never printed")
    if row.state == "Succeeded" and (row.exit_code, ends.get(row.machine)) != (0, 1):
        found.append(f"I4 {row.machine}: exit {row.exit_code}, {ends.get(row.machine)} ends")
    if row.state == "Failed" and not (run.script.exit_code and has_ended):
        found.append(f"I4 {row.machine}: failed with exit code {row.exit_code}")
    if row.state == "Lost":
        found.append(f"I4 {row.machine}: lost")
    if row.state == "Canceled" and not row.was_started and starts.get(row.machine):
        found.append(f"I5 {row.machine} started after it was canceled")
    return found


def overlaps(witness: Iterable[Witness]) -> list[str]:
    """I7: scripts that exclude each other never ran on one machine at once."""
    by_machine: dict[str, list[Witness]] = defaultdict(list)
    for line in witness:
        by_machine[line.machine].append(line)
    found = []
    for machine, lines in by_machine.items():
        holder = None
        ended = {(line.deployment_id, line.pid) for line in lines if line.what == "end"}
        for line in sorted(lines, key=lambda line: line.time_ns):
            key = (line.deployment_id, line.pid)
            if key not in ended:
                continue  # killed: nobody saw its end
            if line.what == "end":
                holder = None
            elif holder is not None:
                found.append(f"I7 {machine}: {key} while {holder} ran")
            else:
                holder = key
    return found


def left_behind(folder: Path) -> list[str]:
    """I6: no process of a script is left once all deployments have ended."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where = os.readlink(process / "cwd")  # noqa: PTH115 the link may point nowhere
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if re.match(rf"{re.escape(str(folder))}/[^/]+/cmd/", where):
            found.append(f"I6 process {process.name}: {command[:80]!r}")
    return found


def secrets_seen(records: Records, folders: Iterable[Path], pids: Iterable[int]) -> list[str]:
    """I8: the planted secret is in no row, no file of an agent and no process's words."""
    found = ["I8 the database"] if SECRET in records.dump() else []
    secret = SECRET.encode()
    for folder in folders:
        files = [path for path in folder.rglob("*") if path.is_file()]
        found += [f"I8 {path.relative_to(folder)}" for path in files if secret in _bytes(path)]
    words = [Path(f"/proc/{pid}/{name}") for pid in pids for name in ("cmdline", "environ")]
    return found + [f"I8 {path}" for path in words if secret in _bytes(path)]


def sizes(folders: Iterable[Path], pids: Iterable[int]) -> list[str]:
    """I9 and I10: state folders and memory stay bounded."""
    found = []
    for folder in folders:
        used = sum(_size(path) for path in folder.rglob("*"))
        if used > _MOST_STATE:
            found.append(f"I9 {folder.name}: {used} bytes")
    for pid in pids:
        text = _bytes(Path(f"/proc/{pid}/status")).decode()
        match = re.search(r"VmRSS:\s+(\d+)", text)
        if match and int(match[1]) > _MOST_MEMORY_KB:
            found.append(f"I10 process {pid}: {match[1]} kB")
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
