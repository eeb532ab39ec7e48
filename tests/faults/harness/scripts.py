"""What the deployed script does: it notes its start and its end outside the system, and prints
numbered lines of which the test knows every byte.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

SECRET = "Planted-Secret-47110815"
_MASK = "********"
_PAUSE = 0.025


@dataclass(frozen=True)
class Script:
    """A script of so many lines; it ends with `exit_code` after `seconds` more."""

    lines: int = 60
    pause: float = _PAUSE
    exit_code: int = 0
    seconds: float = 0.0
    width: int = 0

    @property
    def lasts(self) -> float:
        return self.lines * self.pause + self.seconds

    def body(self, witness: Path) -> str:
        """Return the Bash text; the witness is forced to the disk before anything else happens."""
        padding = "x" * self.width
        checksum = zlib.crc32(padding.encode())
        wait = f"  sleep {self.pause}\n" if self.pause else ""
        return f"""
deployment=$(get_octopusvariable Octopus.Deployment.Id)
machine=$(get_octopusvariable Octopus.Machine.Name)
note() {{ echo "$1 $deployment $machine $$ $(date +%s%N)" >> {witness}; sync -d {witness}; }}
note start
echo "the secret is $(get_octopusvariable Planted)"
for number in $(seq 1 {self.lines}); do
  printf '%s on %s: line %05d, umlauts äöü, a tab\\there, {padding} {checksum:08x}\\n' \\
    "$deployment" "$machine" "$number"
{wait}done
sleep {self.seconds}
note end
exit {self.exit_code}
"""

    def is_own(self, line: bytes) -> bool:
        """Return whether a line is the script's, and not a note about it."""
        return line.startswith((b"the secret is", b"Deployments-"))

    def printed(self, deployment_id: str, machine: str) -> bytes:
        """Return exactly what the server must hold of it."""
        padding = "x" * self.width
        checksum = zlib.crc32(padding.encode())
        lines = [
            f"{deployment_id} on {machine}: line {number:05}, umlauts äöü, a tab\there,"
            f" {padding} {checksum:08x}\n"
            for number in range(1, self.lines + 1)
        ]
        return f"the secret is {_MASK}\n{''.join(lines)}".encode()


@dataclass(frozen=True)
class Witness:
    """One line that a script has written."""

    what: str
    deployment_id: str
    machine: str
    pid: int
    time_ns: int


def read_witness(path: Path) -> list[Witness]:
    """Return every whole line that scripts have written."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text().splitlines():
        what, deployment_id, machine, pid, time_ns = line.split()
        found.append(Witness(what, deployment_id, machine, int(pid), int(time_ns)))
    return found
