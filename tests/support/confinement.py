"""Small disks, own host names and memory limits for single processes, taken from the kernel."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

_UNSHARE = ("unshare", "--mount", "--map-root-user")
_MEMORY = Path("/sys/fs/cgroup/memory")
_UNIFIED = Path("/sys/fs/cgroup")


def needs_namespaces() -> None:
    """Skip the test on a machine whose kernel gives this user no mount namespace."""
    probe = subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"no mount namespace: {probe.stderr.decode().strip()}")


def needs_machine(folder: Path) -> None:
    """Skip the test where no machine with systemd can be started in a container."""
    if os.geteuid() != 0:
        pytest.skip("a machine with systemd in a container needs root")
    layer = 'mount -t tmpfs none "$1" && mkdir "$1/up" "$1/work" "$1/root" && mount -t overlay none'
    options = '"$1/root" -o "lowerdir=/,upperdir=$1/up,workdir=$1/work"'
    command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c"]
    script = f"{layer} {options}"
    probe = subprocess.run([*command, script, "sh", folder], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"no layer over this machine's files: {probe.stderr.decode().strip()}")


def on_small_disk(home: Path, options: str, *, read_only: bool = False) -> tuple[str, ...]:
    """Return what to put before a command so that it finds `home` on a tmpfs of its own."""
    last = f" && mount -o remount,ro {home}" if read_only else ""
    script = (
        f"cp -a {home} {home}.seed && mount -t tmpfs -o {options} none {home}"
        f' && cp -a {home}.seed/. {home}{last} && exec "$@"'
    )
    return (*_UNSHARE, "sh", "-c", script, "sh")


def with_hosts(hosts: Path) -> tuple[str, ...]:
    """Return what to put before a command so that it reads its host names from a file."""
    return (*_UNSHARE, "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh")


def seen_by(pid: int, path: Path) -> Path:
    """Return the path under which this process reaches a file as another one sees it."""
    return Path(f"/proc/{pid}/root{path}")


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Write a file until the disk is full; returns the file."""
    file = folder / "fill"
    with file.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(65536))
    os.truncate(file, max(0, file.stat().st_size - leave))
    return file


def fill_inodes(folder: Path) -> Path:
    """Make empty files until there is room for none; returns their folder."""
    inside = folder / "inodes"
    inside.mkdir()
    with suppress(OSError):
        for number in range(100_000):
            (inside / str(number)).touch()
    return inside


@contextmanager
def memory_limit(size: int) -> Iterator[Path]:
    """Make a control group with so many bytes; write a process id into `cgroup.procs` below it."""
    is_old = (_MEMORY / "memory.limit_in_bytes").exists()
    group = (_MEMORY if is_old else _UNIFIED) / f"octopus-test-{uuid4().hex}"
    try:
        group.mkdir()
        limit = "memory.limit_in_bytes" if is_old else "memory.max"
        (group / limit).write_text(str(size))
    except OSError as error:
        pytest.skip(f"no memory limit can be set here: {error}")
    try:
        yield group
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (group.parent / "cgroup.procs").write_text(pid)
        with suppress(OSError):
            group.rmdir()
