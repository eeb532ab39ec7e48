"""A machine of its own with systemd: the files of this one under a layer that is thrown away.

It shares the network, so that its agents reach the servers of tests. Whatever it writes and runs
ends with it, and none of the services of this machine run in it.
"""

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.support.processes import Process, Processes, wait_until
from tests.tools.install import ROOT

# Arguments: a folder, the id of the machine, how many control groups follow, these groups, and
# what shall run on the files. What is mounted is seen here alone, and goes with the last process.
_LAYER = """
set -e
layer=$1 id=$2 groups=$3
shift 3
mount -t tmpfs -o mode=755 layer "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/files"
mount -t overlay machine "$layer/files" \
  -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work"
mkdir -p /run/systemd/nspawn
mount -t tmpfs nspawn /run/systemd/nspawn
# Nothing of this machine is enabled there. A machine without a name would start for the first
# time, and systemd would enable all that it finds.
mount -t tmpfs -o mode=755 units "$layer/files/etc/systemd/system"
mount -t tmpfs -o mode=755 scripts "$layer/files/etc/init.d"
echo "$id" > "$layer/files/etc/machine-id"
for _ in $(seq "$groups"); do echo $$ > "$1/cgroup.procs"; shift; done
# So it ends to be started again.
code=133
while [ "$code" = 133 ]; do
  code=0
  "$@" || code=$?
done
exit "$code"
"""
# Where a machine has this repository.
SOURCE = "/opt/octopus/source"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Machine:
    """A machine that runs: `shell` runs a line on it."""

    started: Process
    groups: list[Path]

    def shell(self, line: str, *, user: str = "root", **environment: str) -> tuple[int, str]:
        """Run a line as a user of the machine; returns exit code and all output."""
        home = "/root" if user == "root" else f"/home/{user}"
        given = {"PATH": _PATH, "HOME": home, "USER": user, "LANG": "C.UTF-8", **environment}
        words = (
            *("nsenter", "--all", f"--target={self._first_process()}"),
            *("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"),
            *("env", "-i", *(f"{name}={value}" for name, value in given.items())),
            *("sh", "-c", f"cd; {line}"),
        )
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def output(self, line: str, *, user: str = "root", **environment: str) -> str:
        """Run a line that must succeed; returns its output without white space around."""
        code, text = self.shell(line, user=user, **environment)
        assert code == 0, f"{line}: {code}\n{text}"
        return text.strip()

    def read(self, path: str | Path) -> bytes:
        """Return the content of a file of the machine."""
        return self._on_disk(path).read_bytes()

    def files(self, folder: str | Path) -> dict[str, bytes]:
        """Return the contents of all files below a folder of the machine."""
        root = self._on_disk(folder)
        found = (path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): path.read_bytes() for path in found}

    def is_up(self) -> bool:
        """Tell whether all has started that starts with the machine."""
        if not self.started.is_running:
            raise AssertionError(f"systemd-nspawn has ended\n{self.started.log()}")
        # Without a first process there is nothing to enter; while it starts, one may go again.
        with suppress(ValueError):
            state = self.shell("systemctl is-system-running")[1].strip()
            return state in {"running", "degraded"}
        return False

    def reboot(self) -> None:
        """Start the machine anew, with what is on its disk."""
        first = self._first_process()
        self.shell("systemctl reboot")
        wait_until(lambda: first not in self._first_processes(), seconds=60, what="a reboot")
        wait_until(self.is_up, seconds=60, what="the machine")

    def stop(self) -> None:
        """End the machine and all that runs on it, as a power cut does."""
        self.started.kill()
        for group in self.groups:
            wait_until(lambda: _remove(group), what=f"the end of {group}")  # noqa: B023 at once

    def _on_disk(self, path: str | Path) -> Path:
        return Path(f"/proc/{self._first_process()}/root") / str(path).lstrip("/")

    def _first_process(self) -> int:
        [first] = self._first_processes()
        return first

    def _first_processes(self) -> list[int]:
        shells = _children(self.started.pid)
        return [first for nspawn in _children(*shells) for first in _children(nspawn)]


def start_machine(processes: Processes, folder: Path) -> Machine:
    """Start a machine; returns once systemd has started all."""
    assert shutil.which("systemd-nspawn"), "Debian's systemd-container is not installed"
    identity = uuid4().hex
    name = f"octopus-test-{identity[:12]}"
    groups = [hierarchy / name for hierarchy in _hierarchies()]
    for group in groups:
        group.mkdir()
    layer = folder / "machine"
    layer.mkdir()
    nspawn = (
        *("systemd-nspawn", "--quiet", f"--machine={name}", f"--directory={layer}/files"),
        *("--console=pipe", "--register=no", "--keep-unit"),
        *("--resolv-conf=off", "--timezone=off", "--link-journal=no"),
        # It may lie in /tmp, and that of the machine and of its services is their own.
        f"--bind-ro={ROOT}:{SOURCE}",
        # Its disks are not looked for.
        *("--boot", "fstab=no"),
    )
    words = (str(layer), identity, str(len(groups)), *map(str, groups), *nspawn)
    # With this process all others of its name space end.
    apart = ("unshare", "--mount", "--propagation=private", "--pid", "--mount-proc", "--kill-child")
    # As systemd wants it today, though the kernel may still have the groups of before.
    unified = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    process = processes.start(
        "machine", [*apart, "sh", "-c", _LAYER, "sh", *words], environment=unified
    )
    machine = Machine(process, groups)
    wait_until(machine.is_up, seconds=60, what="the machine")
    return machine


def _children(*parents: int) -> list[int]:
    of = ",".join(map(str, parents))
    listed = subprocess.run(["pgrep", "--parent", of or "0"], capture_output=True, check=False)
    return [int(child) for child in listed.stdout.split()]


def _hierarchies() -> list[Path]:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.procs").exists():
        return [root]
    return [root / name for name in ("systemd", "unified") if (root / name).is_dir()]


def _remove(group: Path) -> bool:
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):
            Path(folder).rmdir()
    return not group.exists()
